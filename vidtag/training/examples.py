"""Rows to learn from: the features of windows, and what persons said of their time.

Owns which window shows which label. Features come through the ordinary pipeline and its store, so
that a second training on the same videos needs no model run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.cache.scores import ScoreStore
from vidtag.documents.headline import NONE_OF_THESE
from vidtag.errors import TruthError, VideoError
from vidtag.formats.truths.truth import LabelledVideo, Truths
from vidtag.models.classifier import Classifier, ClassifierInfo, Clips, Features, Logits
from vidtag.models.fast import Sparse
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.video.frames import Image

NONE = -1
"""The target of a window that shows none of the labels."""

_LEAST_SHARE = Fraction(3, 4)
"""Of a window, how much of it must show a label, or nothing, to be an example of that: what shows
two things half and half teaches neither."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Windows of labelled videos."""

    features: npt.NDArray[np.float32]
    """`(N, d)` float32: what the model's last layer reads."""

    targets: npt.NDArray[np.int64]
    """`(N,)`: which label each shows; `NONE` where it shows none."""

    videos: npt.NDArray[np.int64]
    """`(N,)`: which video each is of."""

    whole: npt.NDArray[np.bool_]
    """`(V,)`: of each video, whether its label is that of all of it; such a video counts as one
    answer, the mean of its windows'."""

    subsets: tuple[str | None, ...]
    """Of each video, the subset that the labels' file names."""

    paths: tuple[str, ...]
    """Of each video, its path."""

    labels: tuple[str, ...]
    """The names of the targets."""

    notes: tuple[str, ...]
    """What was left out, each kind with its number."""

    @property
    def num_videos(self) -> int:
        """How many videos there are."""
        return len(self.paths)

    @property
    def has_none(self) -> bool:
        """Whether some windows that are learned from show none of the labels."""
        return bool((self.targets[learned_from(self.subsets)[self.videos]] == NONE).any())


class StoringFeatures:
    """A classifier whose features are stored, and not its logits: many heads read the same ones.

    Args:
        classifier: Tells what its last layer reads.
        feature_size: How many numbers that are.
    """

    def __init__(self, classifier: Sparse, feature_size: int) -> None:
        self._classifier = classifier
        self._info = replace(classifier.info, feature_size=feature_size)

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes, in the order of the logits."""
        return self._classifier.labels

    @property
    def info(self) -> ClassifierInfo:
        """What runs, and that features are stored."""
        return self._info

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture."""
        return self._classifier.prepare(image)

    def logits(self, clips: Clips) -> Logits:
        """Run the model."""
        return self._classifier.logits(clips)

    def features(self, clips: Clips) -> Features:
        """Run the model up to its last layer."""
        return self._classifier.features(clips)

    def head(self, features: Features) -> Logits:
        """Run the last layer."""
        return self._classifier.head(features)


def without_testing(truths: Truths) -> Truths:
    """Leave out videos for testing, which nothing here looks at, and say so.

    Raises:
        TruthError: Nothing else shows some label.
    """
    kept = tuple(video for video in truths.videos if kind_of(video.subset) != "testing")
    count = len(truths.videos) - len(kept)
    if not count:
        return truths
    there = {video.label for video in kept}.union(
        segment.label for video in kept for segment in video.segments
    )
    lost = [label for label in truths.labels if label not in there]
    if lost:
        raise TruthError(
            truths.videos[0].path,
            f"Nothing can be learned of {_named(lost)}, which videos for testing alone show; add "
            "others.",
        )
    note = f"{count} videos are for testing, as the labels' file says, and are not learned from"
    return replace(truths, videos=kept, notes=(*truths.notes, note))


def number_labels(labels: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Number labels; what persons call none of these is `NONE`, like time without a label.

    >>> number_labels(("jump", "none of these", "run"))
    (('jump', 'run'), {'none of these': -1, 'jump': 0, 'run': 1})
    """
    named = tuple(label for label in labels if label != NONE_OF_THESE)
    return named, {NONE_OF_THESE: NONE, **{label: k for k, label in enumerate(named)}}


@dataclass(slots=True)
class LeftOut:
    """Counts what is no example of anything, while videos are read."""

    num_mixed: int = 0
    num_clipped: int = 0
    num_beyond: int = 0

    def look_at(self, video: LabelledVideo, end_seconds: Fraction) -> None:
        """Count the ranges that its end, known by now, cuts or leaves out."""
        beyond = sum(one.start_seconds >= end_seconds for one in video.segments)
        self.num_beyond += beyond
        self.num_clipped += sum(one.end_seconds > end_seconds for one in video.segments) - beyond

    @property
    def notes(self) -> list[str]:
        """What was left out, each kind with its number."""
        kinds = (
            (self.num_mixed, "windows show a label in part, and are no example of anything"),
            (self.num_clipped, "ranges go on after their video's end"),
            (self.num_beyond, "ranges begin after their video's end, and are left out"),
        )
        return [f"{count} {what}" for count, what in kinds if count]


def gather_examples(
    truths: Truths,
    classifier: Classifier,
    store: ScoreStore | None,
    settings: Settings,
    advance: Callable[[int, int], None],
    *,
    width: int | None = None,
) -> Examples:
    """Score all labelled videos, and say what each of their windows shows.

    Args:
        truths: What persons said.
        classifier: Its features are taken; `StoringFeatures` has them stored.
        store: Stored scores.
        settings: Windows.
        advance: Told how many videos are done, and how many there are.
        width: How many numbers of the features are learned from, the first ones; all where `None`.

    Raises:
        ModelError: The model failed.
        VideoError: Not one of the videos can be read.
    """
    tagger = Tagger(classifier, settings, store=store)
    labels, index = number_labels(truths.labels)
    rows: list[npt.NDArray[np.float32]] = []
    targets: list[npt.NDArray[np.int64]] = []
    taken: list[LabelledVideo] = []
    failures: list[VideoError] = []
    left_out = LeftOut()
    for number, video in enumerate(truths.videos):
        advance(number, len(truths.videos))
        try:
            scored = tagger.score(video.path, features=True)
        except VideoError as exc:
            failures.append(exc)
            continue
        assert scored.features is not None  # asked for
        if video.label is not None:
            shown = np.full(len(scored), index[video.label], np.int64)
        else:
            left_out.look_at(video, scored.end_seconds)
            shown, mixed = window_targets(video, scored.bounds, scored.end_seconds, index)
            left_out.num_mixed += mixed
        kept = shown >= NONE
        if kept.any():
            rows.append(scored.features[kept, :width])
            targets.append(shown[kept])
            taken.append(video)
    advance(len(truths.videos), len(truths.videos))
    if not taken and failures:
        raise failures[0]
    notes = [
        *truths.notes,
        *(f"left out: {failure}" for failure in failures),
        *left_out.notes,
    ]
    return Examples(
        features=np.concatenate(rows) if rows else np.zeros((0, 1), np.float32),
        targets=np.concatenate(targets) if targets else np.zeros(0, np.int64),
        videos=np.repeat(np.arange(len(taken)), [len(one) for one in targets]),
        whole=np.array([video.label is not None for video in taken], bool),
        subsets=tuple(video.subset for video in taken),
        paths=tuple(video.path for video in taken),
        labels=labels,
        notes=tuple(notes),
    )


def without_unshown(examples: Examples) -> Examples:
    """Leave out labels that no window shows, and say so.

    Raises:
        TruthError: Nothing is left that could be told from another thing.
    """
    num_none = int((examples.targets == NONE).sum())
    if num_none and not examples.has_none:
        note = (
            f"{num_none} windows of videos for validation show none of the labels, as none that "
            "are learned from do, and are left out"
        )
        examples = replace(examples, notes=(*examples.notes, note))
    labels = examples.labels
    if not labels:
        raise _too_few(examples, f"every window shows {NONE_OF_THESE!r}; add videos of something")
    occurring = np.isin(np.arange(len(labels)), examples.targets)
    learned = examples.targets[learned_from(examples.subsets)[examples.videos]]
    kept = np.intersect1d(np.arange(len(labels)), learned)
    unlearned = [labels[k] for k in np.flatnonzero(occurring) if k not in kept]
    if unlearned:
        raise _too_few(
            examples,
            f"nothing can be learned of {_named(unlearned)}, which videos for validation or "
            "testing alone show; add others",
        )
    is_told = len(kept) > 0 and len(kept) + examples.has_none > 1
    lost = [labels[k] for k in np.flatnonzero(~occurring)]
    if not lost:
        if is_told:
            return examples
        raise _too_few(examples, f"every window shows {labels[0]!r}; add videos of something else")
    why = f"no window shows {_named(lost)} for three quarters of its length"
    if not is_told:
        raise _too_few(examples, f"{why}; a shorter --window may show more")
    number = np.full(len(labels) + 1, NONE)  # the last place is that of `NONE`
    number[kept] = np.arange(len(kept))
    return replace(
        examples,
        targets=number[examples.targets],
        labels=tuple(labels[k] for k in kept),
        notes=(*examples.notes, f"{why}: left out; a shorter --window may show more"),
    )


def learned_from(subsets: Sequence[str | None]) -> npt.NDArray[np.bool_]:
    """Say which videos are learned from, by their subsets: `(V,)`.

    Those for testing never are, and those for validation are not where there are others.
    """
    kinds = [kind_of(subset) for subset in subsets]
    is_training = np.array([kind not in ("validation", "testing") for kind in kinds], bool)
    is_known = np.array([kind != "testing" for kind in kinds], bool)
    return is_training if is_training.any() else is_known


def _too_few(examples: Examples, why: str) -> TruthError:
    return TruthError(examples.paths[0] if examples.paths else "", f"{why[0].upper()}{why[1:]}.")


def _named(labels: Sequence[str]) -> str:
    rest = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return f"{', '.join(map(repr, labels[:_NAMED]))}{rest}"


_NAMED = 5
"""Labels that are named."""

_MIXED = NONE - 1
"""The target of a window that is no example."""


def window_targets(
    video: LabelledVideo,
    bounds: Sequence[tuple[Fraction, Fraction]],
    end_seconds: Fraction,
    index: dict[str, int],
) -> tuple[npt.NDArray[np.int64], int]:
    """Say what each window shows, and how many show no one thing.

    Where labels overlap, a window shows the one that has more of it.
    """
    targets = np.full(len(bounds), _MIXED, np.int64)
    for k, (start, end) in enumerate(bounds):
        end = min(end, end_seconds)
        length = end - start
        held: dict[str, Fraction] = {}
        lasts: dict[str, Fraction] = {}  # until when each label is counted: ranges may overlap
        covered = Fraction(0)
        last = start
        for segment in video.segments:  # in the order of time
            first, until = max(segment.start_seconds, start), min(segment.end_seconds, end)
            if first >= until:
                continue
            own = max(until - max(first, lasts.get(segment.label, start)), Fraction(0))
            held[segment.label] = held.get(segment.label, Fraction(0)) + own
            lasts[segment.label] = max(until, lasts.get(segment.label, start))
            covered += max(until - max(first, last), Fraction(0))
            last = max(last, until)
        best = max(held, key=lambda label: held[label], default=None)
        if best is not None and held[best] >= _LEAST_SHARE * length:
            targets[k] = index[best]
        elif length - covered >= _LEAST_SHARE * length:
            targets[k] = NONE
    return targets, int((targets == _MIXED).sum())


def kind_of(subset: str | None) -> str | None:
    """Name a subset as this module does, whatever its file calls it.

    >>> kind_of("Val"), kind_of("test")
    ('validation', 'testing')
    """
    lower = (subset or "").lower()
    kinds = {"val": "validation", "dev": "validation", "test": "testing", "train": "training"}
    return next((kind for start, kind in kinds.items() if lower.startswith(start)), None)
