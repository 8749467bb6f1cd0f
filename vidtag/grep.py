"""Which videos contain an action: labels by pattern, hits in steps, as `grep` finds lines.

Pure: works on steps as they come and on stored documents, and knows no file. A hit is a step in
which a label that matches reaches `min_score`; consecutive hits of one label are one run, and a
run is what is printed and counted. Scores are compared as they are printed, to six decimals, so
that a video and its stored document give the same answer.

A stored document has only the best labels of each step. What is missing is bounded, though: a
label that is not among them scores no more than the lowest that is, no more than what the others
leave of 1, and where it reached the document's own `min_score` a segment says so. Where a hit is
possible nevertheless, the document can't answer, and that is told.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from vidtag.documents.records import Document, StepRecord, TagRecord, round_score
from vidtag.errors import UsageError
from vidtag.seconds import round_seconds
from vidtag.text import escape_controls

_ROUNDING = 5e-7
"""By how much a stored score may differ from the one it was."""


class Scored(Protocol):
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

    >>> matcher = Matcher(compile_patterns(["jog"]), min_score=0.5)
    >>> def tag(score): return [TagRecord(label="jogging", index=3, score=score)]
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
        tags: Iterable[Scored],
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

    def _is_hit(self, tag: Scored) -> bool:
        if round_score(tag.score) < self._min_score:
            return False
        if tag.label not in self._is_wanted:
            self._is_wanted[tag.label] = self._patterns.match(tag.label)
        return self._is_wanted[tag.label]

    def _take_complete(self) -> tuple[Hit, ...]:
        num_complete = next((n for n, run in enumerate(self._runs) if run.is_open), len(self._runs))
        complete, self._runs = self._runs[:num_complete], self._runs[num_complete:]
        return tuple(run.to_hit() for run in complete)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A stretch of a stored document in which a label that it does not show might be a hit."""

    start_seconds: float
    end_seconds: float

    highest_score: float
    """What such a label can have scored at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a stored document says."""

    hits: tuple[Hit, ...]

    undecided: tuple[Undecided, ...]
    """Where it can't answer; up to the last hit, if `max_count` was reached."""


def search_document(
    document: Document,
    patterns: Patterns,
    *,
    min_score: float,
    max_count: int | None = None,
    labels: Sequence[str] | None = None,
) -> Search:
    """Look for labels in a stored document.

    Args:
        document: The result.
        patterns: What is looked for.
        min_score: What a step's score must reach.
        max_count: Stop after so many runs.
        labels: All labels of the model that made it, if they are known.
    """
    matcher = Matcher(patterns, min_score=min_score, max_count=max_count)
    gaps = _Gaps(document, patterns, min_score, labels)
    peaks = _Peaks(document)
    hits: list[Hit] = []
    undecided: list[Undecided] = []
    for step in document.timeline:
        if matcher.is_done:
            break
        tags = (*step.tags, *peaks.hidden_in(step))
        hits += matcher.add(step.start_seconds, step.end_seconds, tags)
        highest = gaps.highest_hidden_score(step, tags)
        if highest is None:
            continue
        start = step.start_seconds
        if undecided and undecided[-1].end_seconds == start:
            last = undecided.pop()
            start, highest = last.start_seconds, max(highest, last.highest_score)
        undecided.append(
            Undecided(
                start_seconds=start,
                end_seconds=step.end_seconds,
                highest_score=highest,
            )
        )
    hits += matcher.finish()
    return Search(hits=tuple(hits), undecided=tuple(undecided))


class _Peaks:
    """What segments say of steps: the score of a label at its best step."""

    def __init__(self, document: Document) -> None:
        order = enumerate(document.segments)
        self._peaks = sorted(((one.peak_seconds, n, one) for n, one in order), key=lambda p: p[:2])
        self._seconds = [seconds for seconds, _, _ in self._peaks]

    def hidden_in(self, step: StepRecord) -> tuple[TagRecord, ...]:
        """List the labels that have their best step here, and are not among its tags."""
        first = bisect_left(self._seconds, step.start_seconds)
        last = bisect_left(self._seconds, step.end_seconds)
        if first >= last:
            return ()
        known = {tag.index for tag in step.tags}
        here = sorted(self._peaks[first:last], key=lambda peak: peak[1])
        return tuple(
            TagRecord(label=one.label, index=one.index, score=one.peak_score)
            for _, _, one in here
            if one.index not in known
        )


class _Gaps:
    """What may be hidden in the steps of one document."""

    def __init__(
        self,
        document: Document,
        patterns: Patterns,
        min_score: float,
        labels: Sequence[str] | None,
    ) -> None:
        self._document = document
        self._min_score = min_score
        self._num_labels = document.model.num_labels
        known = dict(enumerate(labels)) if labels is not None else _labels_in(document)
        self._wanted = frozenset(n for n, label in known.items() if patterns.match(label))
        has_unknown = len(known) < self._num_labels
        # An exact label that is known already is no other one.
        if patterns.is_exact and not patterns.without_label(known.values()):
            has_unknown = False
        self._may_match_unknown = has_unknown
        self._wanted_segments = [one for one in document.segments if one.index in self._wanted]
        settings = document.settings
        # Every step that reaches the document's own score is in a segment, if none was dropped.
        self._segments_tell = min_score >= settings.min_score and settings.min_duration_seconds == 0

    def highest_hidden_score(self, step: StepRecord, tags: Sequence[TagRecord]) -> float | None:
        """Bound the score of labels that match and are not shown; `None` if none can be a hit."""
        if len(step.tags) >= self._num_labels or not step.tags:
            return None
        # One that is missing comes after all that are stored, and all of them sum up to 1.
        scores = [tag.score for tag in step.tags]
        lowest = min(scores)
        if round_score(lowest) < self._min_score:
            return None
        missing = self._wanted - {tag.index for tag in tags}
        bounds = [lowest, 1 - sum(scores) + len(scores) * _ROUNDING]
        if self._segments_tell:
            peaks = (
                segment.peak_score
                for segment in self._wanted_segments
                if segment.index in missing
                and segment.start_seconds < step.end_seconds
                and step.start_seconds < segment.end_seconds
            )
            bounds.append(max(peaks, default=0.0))
        elif not missing and not self._may_match_unknown:
            return None
        highest = round_score(min(bounds))
        return highest if highest >= self._min_score else None


def _labels_in(document: Document) -> Mapping[int, str]:
    """Collect the labels that a document names anywhere."""

    def named() -> Iterator[tuple[int, str]]:
        for tag in document.tags:
            yield tag.index, tag.label
        for segment in document.segments:
            yield segment.index, segment.label
        for step in document.timeline:
            for tag in step.tags:
                yield tag.index, tag.label

    return dict(named())


def format_hit(path: str, hit: Hit, *, nul: bool = False) -> str:
    r"""Write a hit as a line: name, seconds, label, score.

    With `nul`, a NUL follows the name, as `grep -Z` does it, so that any name can be read back.
    The label's control characters are escaped.

    >>> format_hit("clip.mp4", Hit(start_seconds=5, end_seconds=9, label="run", index=1, score=0.9))
    'clip.mp4:5.000-9.000:run:0.900000\n'
    """
    times = f"{hit.start_seconds:.3f}-{hit.end_seconds:.3f}"
    return f"{path}{_after_name(nul)}{times}:{escape_controls(hit.label)}:{hit.score:.6f}\n"


def format_count(path: str, count: int, *, nul: bool = False) -> str:
    r"""Write how many runs a video has, as `grep -c` does; zero is written, too.

    >>> format_count("clip.mp4", 2)
    'clip.mp4:2\n'
    """
    return f"{path}{_after_name(nul)}{count}\n"


def format_name(path: str, *, nul: bool = False) -> str:
    r"""Write the name of a video with a hit, as `grep -l` does.

    >>> format_name("clip.mp4"), format_name("clip.mp4", nul=True)
    ('clip.mp4\n', 'clip.mp4\x00')
    """
    return path + ("\0" if nul else "\n")


def _after_name(nul: bool) -> str:
    return "\0" if nul else ":"


def explain_undecided(
    path: str, document: Document, search: Search, *, min_score: float
) -> str | None:
    """Say in one sentence where a stored document can't answer; `None` if it can."""
    if not search.undecided:
        return None
    first = search.undecided[0]
    more = len(search.undecided) - 1
    also = f" and in {more} more stretch{'es' * (more > 1)}" if more else ""
    return (
        f"{path}: from {first.start_seconds:.3f} to {first.end_seconds:.3f} s{also}, a label "
        f"beyond the stored top {document.settings.top_k} may reach {min_score:g}; tag the video "
        "again with a larger -k, or look in the video itself."
    )


def exit_code(*, num_hits: int, num_errors: int) -> int:
    """Return 0 where something was found, 1 where nothing was, and 2 after any error.

    >>> exit_code(num_hits=1, num_errors=0), exit_code(num_hits=0, num_errors=0)
    (0, 1)
    >>> exit_code(num_hits=1, num_errors=1)
    2
    """
    if num_errors:
        return 2
    return 0 if num_hits else 1
