"""What a model said of labelled videos, beside what is true: the values that are measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from vidtag.documents.headline import NONE_OF_THESE
from vidtag.evaluation.accuracy import Flags, Floats, Indices
from vidtag.evaluation.overlap import Stretch
from vidtag.formats.truths.truth import LabelledVideo, Truths
from vidtag.timeline.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Labels of the model and of the data, under one numbering."""

    labels: tuple[str, ...]
    """The model's, in the order of its logits, and behind them those that it does not know."""

    num_known: int
    """How many are the model's."""

    numbers: dict[str, int]
    """Of each label as the data writes it."""

    respelled: tuple[tuple[str, str], ...]
    """Labels of the data that the model writes in another way, and how it does."""

    @classmethod
    def match(cls, model: Sequence[str], data: Iterable[str]) -> Self:
        """Find the labels of the data among those of the model.

        The same words count as the same label, however they are written, where no other label of
        the model has them: folders are called `riding_a_bike`, and labels "riding a bike".

        >>> names = Names.match(["jogging", "riding a bike"], ["Riding_a_bike", "flying"])
        >>> names.numbers, names.unknown
        ({'Riding_a_bike': 1, 'flying': 2}, ('flying',))
        """
        wanted = list(dict.fromkeys(data))
        exact = {label: k for k, label in reversed(list(enumerate(model)))}
        ours = _by_words(model)
        numbers: dict[str, int] = {}
        respelled: list[tuple[str, str]] = []
        unknown: list[str] = []
        for label in wanted:
            words = _words(label)
            if label in exact:
                numbers[label] = exact[label]
            elif len(ours.get(words, ())) == 1:
                numbers[label] = exact[ours[words][0]]
                respelled.append((label, ours[words][0]))
            else:
                numbers[label] = len(model) + len(unknown)
                unknown.append(label)
        return cls(
            labels=(*model, *unknown),
            num_known=len(model),
            numbers=numbers,
            respelled=tuple(respelled),
        )

    @classmethod
    def of(cls, model: Sequence[str], truths: Truths) -> Self:
        """Match the labels of a model with those that label files tell."""
        return cls.match(model, truths.labels)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Those of the data that the model does not know, and so can't get right."""
        return self.labels[self.num_known :]

    @property
    def none(self) -> frozenset[int]:
        """Numbers of labels that stand for none of the labels."""
        return frozenset(k for k, label in enumerate(self.labels) if label == NONE_OF_THESE)


def without_none(video: LabelledVideo, model: Sequence[str]) -> LabelledVideo:
    """Say of a video that nothing holds where its label is "none of these".

    Not of a model that has such a label itself: that one is learned and found as others are.

    >>> clip = LabelledVideo(path="a.mp4", label="None_of_these")
    >>> without_none(clip, ["jogging"]).label, without_none(clip, ["none of these"]).label
    (None, 'None_of_these')
    """
    if any(_words(label) == NONE_OF_THESE for label in model):
        return video
    is_none = video.label is not None and _words(video.label) == NONE_OF_THESE
    segments = tuple(one for one in video.segments if _words(one.label) != NONE_OF_THESE)
    return replace(video, label=None if is_none else video.label, segments=segments)


def _words(label: str) -> str:
    return " ".join(label.casefold().replace("_", " ").replace("-", " ").split())


def _by_words(labels: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label in labels:
        found.setdefault(_words(label), []).append(label)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipOutcome:
    """A video with one label, and the scores of all labels."""

    path: str
    """The video."""

    truth: int
    """Number of its label; from `Names.num_known` on the model does not know it."""

    scores: Scores
    """`(num_labels,)` float64, of the whole video."""

    peak_seconds: float
    """Middle of the window in which the best label is strongest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeOutcome:
    """A video with labels over stretches of its time, and the segments that were found."""

    path: str
    """The video."""

    start: float
    """Where the part that was scored starts, in seconds."""

    end: float
    """Where it ends, in seconds."""

    true: tuple[Stretch, ...]
    """As it is, without what is labelled as none of the labels."""

    said: tuple[Stretch, ...]
    """Segments that the model's scores make, without those of none of the labels."""

    confidences: Floats
    """`(num_steps,)`: best score of each step in whose middle a label holds."""

    hits: Flags
    """`(num_steps,)`: whether the label with that score is one that holds."""

    lengths: Floats
    """`(num_steps,)`: how long each of these steps is, in seconds."""

    fitted_scores: Floats
    """`(n, num_labels)`: of steps in which one label holds that the model knows; none where nobody
    asked to calibrate."""

    fitted_truths: Indices
    """`(n,)`: number of that label."""


Outcome = ClipOutcome | TimeOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A clip, or a stretch of a video, of which the model said something else than is true."""

    path: str
    """The video."""

    seconds: float
    """A moment of it to look at."""

    start: float | None
    """Where the stretch begins, in seconds; `None` for a whole clip."""

    end: float | None
    """Where it ends."""

    said: str | None
    """What was said; `None` for nothing."""

    true: tuple[str, ...]
    """What is true; nothing where no label holds."""

    score: float | None
    """Score of what was said."""
