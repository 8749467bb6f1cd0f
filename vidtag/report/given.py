"""What pages show of given labels: what was asked, and what these competed with.

Of a model's own labels there is nothing of this, and the pages are as they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vidtag.documents.headline import background_wins, source_phrase, words_phrase
from vidtag.documents.records import Document, ModelRecord, StepRecord
from vidtag.documents.stretches import Stretch
from vidtag.report.drawing import MAX_POINTS, Curve, pool_steps, span_of, trace_curve
from vidtag.text import one_line

MAX_WORDS = 50
"""Given labels that a page lists: more, nobody reads."""

MAX_LEFT_OUT = 20
"""Phrases that a page lists as left out."""

_MAX_LENGTH = 200
"""Of a listed phrase, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The given labels, for a page."""

    phrase: str
    """How many they are, and what they competed with, in a line."""

    words: tuple[tuple[str, tuple[str, ...]], ...]
    """The first of them, each with its other phrases."""

    num_more: int
    """Those beyond."""

    template: str | None
    """The sentence that they were read in; `None` where they stood alone."""

    source: str | None
    """Where the background's actions come from; `None` where there is none."""

    left_out: tuple[tuple[str, str, float], ...]
    """The nearest phrases that were left out, each with its label and cosine."""

    num_more_left_out: int
    """Those beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundLane:
    """What went to none of the given labels, as a row of the strip."""

    curve: Curve
    best_score: float


def describe_words(model: ModelRecord) -> Asked | None:
    """Gather what a page says of given labels; nothing of a model's own ones."""
    phrase = words_phrase(model)
    if phrase is None:
        return None
    words, background = model.words or (), model.background
    left_out = sorted(background.left_out, key=lambda one: -one.cosine) if background else []
    return Asked(
        phrase=phrase,
        words=tuple(
            (_short(word.label, k), tuple(_short(one, k) for one in word.phrases[1:MAX_WORDS]))
            for k, word in enumerate(words[:MAX_WORDS])
        ),
        num_more=max(len(words) - MAX_WORDS, 0),
        template=None if model.template in (None, "{}") else _short(model.template, 0),
        source=source_phrase(model) if background else None,
        left_out=tuple(
            (_short(one.phrase, k), _short(one.label, k), one.cosine)
            for k, one in enumerate(left_out[:MAX_LEFT_OUT])
        ),
        num_more_left_out=max(len(left_out) - MAX_LEFT_OUT, 0),
    )


def _short(text: str, index: int) -> str:
    line = one_line(text, index)
    return line if len(line) <= _MAX_LENGTH else f"{line[: _MAX_LENGTH - 1]}…"


def make_background_lane(document: Document) -> BackgroundLane | None:
    """Draw what went to none of the labels, where they competed with a background."""
    steps = pool_steps(document.timeline, MAX_POINTS)
    scores = [step.background_score for step in steps if step.background_score is not None]
    if not scores:
        return None
    return BackgroundLane(curve=trace_curve(steps, None, span_of(document)), best_score=max(scores))


def list_guesses(gaps: Sequence[Stretch], steps: Sequence[StepRecord]) -> list[list[float]]:
    """List from when to when no label holds, and the best one is a guess.

    It is none where what went to none of the labels is more.

    Args:
        gaps: Where no label holds.
        steps: The timeline.
    """
    bounds = [[gap.start_ms / 1000, gap.end_ms / 1000] for gap in gaps]
    if not any(step.background_score is not None for step in steps):
        return bounds
    guesses: list[list[float]] = []
    left = iter(steps)
    step = next(left, None)
    for start, end in bounds:
        while step is not None and step.start_seconds < end:
            first, last = max(start, step.start_seconds), min(end, step.end_seconds)
            score = step.background_score
            if first < last and (score is None or not background_wins(score, step.tags)):
                if guesses and guesses[-1][1] == first:
                    guesses[-1][1] = last
                else:
                    guesses.append([first, last])
            if step.end_seconds > end:
                break  # it reaches into what follows
            step = next(left, None)
    return guesses
