"""Which videos contain an action: labels by pattern, hits in steps, as `grep` finds lines.

Pure: works on steps as they come and on stored documents, and knows no file. A hit is a step in
which a label that matches reaches `min_score`; consecutive hits of one label are one run, and a
run is what is printed and counted. Scores are compared as they are printed, to six decimals, so
that a video and its stored document give the same answer.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from vidtag.documents.record import round_score
from vidtag.errors import UsageError
from vidtag.seconds import round_seconds


class ScoredLabel(Protocol):
    """A label with its score: a `Tag` or a `TagRecord`."""

    @property
    def label(self) -> str:
        """The model's name for the class."""

    @property
    def index(self) -> int:
        """The class's place in the model's outputs."""

    @property
    def score(self) -> float:
        """In [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """What labels are looked for; any of them will do."""

    texts: tuple[str, ...]
    """As the user gave them."""

    is_exact: bool
    """Whether they are whole labels, not regular expressions."""

    expressions: tuple[re.Pattern[str], ...]

    def match(self, label: str) -> bool:
        """Tell whether a label is looked for."""
        return any(expression.search(label) for expression in self.expressions)

    def without_label(self, labels: Iterable[str]) -> tuple[str, ...]:
        """List the patterns that match none of a model's labels: worth a word to the user."""
        known = tuple(labels)
        return tuple(
            text
            for text, expression in zip(self.texts, self.expressions, strict=True)
            if not any(map(expression.search, known))
        )


def compile_patterns(texts: Sequence[str], *, exact: bool = False) -> Patterns:
    """Compile patterns; all of them ignore case.

    >>> patterns = compile_patterns(["jog", "^push"])
    >>> [patterns.match(label) for label in ("Jogging", "push up", "pushing car", "bike push")]
    [True, True, True, False]

    Args:
        texts: Regular expressions that match anywhere in a label.
        exact: Whether they are whole labels instead.

    Raises:
        UsageError: There is none, or one is no regular expression.
    """
    if not texts:
        raise UsageError("A label to look for is missing.")
    expressions = []
    for text in texts:
        try:
            source = rf"\A{re.escape(text)}\Z" if exact else text
            expressions.append(re.compile(source, re.IGNORECASE))
        except (re.error, OverflowError, RecursionError) as exc:
            raise UsageError(
                f"'{text}' is no regular expression ({exc}); use -F to look for exactly this label."
            ) from exc
    return Patterns(texts=tuple(texts), is_exact=exact, expressions=tuple(expressions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A run of consecutive steps in which one label reaches the score."""

    start_seconds: float
    end_seconds: float

    label: str

    index: int

    score: float
    """The best of its steps."""


@dataclass(slots=True)
class _Run:
    start: float
    end: float
    label: str
    index: int
    score: float
    is_open: bool = True

    def to_hit(self) -> Hit:
        return Hit(
            start_seconds=self.start,
            end_seconds=self.end,
            label=self.label,
            index=self.index,
            score=self.score,
        )


class Matcher:
    """Finds runs in the steps of one video, fed one by one.

    Runs come out in the order of their starts, each as soon as it and those before it have ended.

    >>> from vidtag.timeline.scores import Tag
    >>> matcher = Matcher(compile_patterns(["jog"]), min_score=0.5)
    >>> def tag(score): return [Tag(label="jogging", index=3, score=score)]
    >>> [len(matcher.add(k, k + 1, tag(score))) for k, score in enumerate([0.1, 0.6, 0.7, 0.2])]
    [0, 0, 0, 1]

    Args:
        patterns: What is looked for.
        min_score: What a step's score must reach.
        max_count: After so many runs, no more steps are needed: `is_done`. The last one ends, as
            far as is known, with the step in which it began.
    """

    def __init__(
        self, patterns: Patterns, *, min_score: float, max_count: int | None = None
    ) -> None:
        self.num_hits = 0
        """Runs so far, open ones too."""
        self.is_done = max_count == 0
        """Whether no more steps are needed."""
        self._patterns = patterns
        self._min_score = min_score
        self._max_count = max_count
        self._is_wanted: dict[str, bool] = {}
        self._runs: list[_Run] = []

    def add(
        self,
        start_seconds: Fraction | float,
        end_seconds: Fraction | float,
        tags: Iterable[ScoredLabel],
    ) -> tuple[Hit, ...]:
        """Take the next step and return the runs that are complete.

        Args:
            start_seconds: Start of the step.
            end_seconds: Its end, where the next step begins.
            tags: All labels that may be hits, best first.
        """
        if self.is_done:
            return ()
        hits = {tag.index: tag for tag in tags if self._is_hit(tag)}
        if not hits and not self._runs:
            return ()
        end = round_seconds(end_seconds)
        for run in self._runs:
            if run.is_open and run.index in hits:
                run.end = end
                run.score = max(run.score, round_score(hits.pop(run.index).score))
            else:
                run.is_open = False
        for tag in hits.values():
            if self.num_hits == self._max_count:
                break
            self.num_hits += 1
            start, score = round_seconds(start_seconds), round_score(tag.score)
            run = _Run(start=start, end=end, label=tag.label, index=tag.index, score=score)
            self._runs.append(run)
        if self.num_hits == self._max_count:
            self.is_done = True
            return self.finish()
        return self._take_complete()

    def finish(self) -> tuple[Hit, ...]:
        """Return the runs that are still open, at the end of the video."""
        self.is_done = True
        for run in self._runs:
            run.is_open = False
        return self._take_complete()

    def _is_hit(self, tag: ScoredLabel) -> bool:
        if round_score(tag.score) < self._min_score:
            return False
        if tag.label not in self._is_wanted:
            self._is_wanted[tag.label] = self._patterns.match(tag.label)
        return self._is_wanted[tag.label]

    def _take_complete(self) -> tuple[Hit, ...]:
        num_complete = next((n for n, run in enumerate(self._runs) if run.is_open), len(self._runs))
        complete, self._runs = self._runs[:num_complete], self._runs[num_complete:]
        return tuple(run.to_hit() for run in complete)
