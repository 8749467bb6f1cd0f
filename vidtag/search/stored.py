"""Stored documents: what they say of a label, and what they hide.

A stored document has only the best labels of each step. What is missing is bounded, though: a
label that is not among them scores no more than the lowest that is, no more than what the others
leave of 1, and where it reached the document's own `min_score` a segment says so. Where a hit is
possible nevertheless, the document can't answer, and that is told. Of what `--only` left out, a
document knows no more than what the rest leaves of 1.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vidtag.documents.record import round_score
from vidtag.documents.records import Document, StepRecord, TagRecord
from vidtag.search.matching import Hit, Matcher, Patterns

_ROUNDING = 5e-7
"""By how much a stored score may differ from the one it was."""


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
    gaps = Gaps(document, patterns, min_score, labels)
    peaks = Peaks(document)
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


class Peaks:
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


class Gaps:
    """What may be hidden in the steps of one document.

    Args:
        document: The result.
        patterns: What is looked for.
        min_score: What a step's score must reach.
        labels: All labels of the model that made it, if they are known.
    """

    def __init__(
        self,
        document: Document,
        patterns: Patterns,
        min_score: float,
        labels: Sequence[str] | None = None,
    ) -> None:
        self._document = document
        self._min_score = min_score
        self._num_labels = document.model.num_labels
        known = dict(enumerate(labels)) if labels is not None else labels_in(document)
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
        self._is_filtered = settings.only is not None
        self._is_left_out = settings.only is not None and (
            patterns.is_exact or not {*patterns.texts} <= {*settings.only}
        )
        """Whether what is looked for may be what `--only` left out."""

    def highest_hidden_score(self, step: StepRecord, tags: Sequence[TagRecord]) -> float | None:
        """Bound the score of labels that match and are not shown; `None` if none can be a hit."""
        if len(step.tags) >= self._num_labels or not (step.tags or self._is_filtered):
            return None
        scores = [tag.score for tag in step.tags]
        left = 1 - sum(scores) + len(scores) * _ROUNDING
        if self._is_left_out:
            highest = round_score(left)
            return highest if highest >= self._min_score else None
        # One that is missing comes after all that are stored, and all of them sum up to 1; after
        # those of the top k, too, that were left out since they match nothing.
        num_left_out = self._document.settings.top_k - len(scores) if self._is_filtered else 0
        bounds = [min(scores, default=1.0), left / (1 + max(num_left_out, 0))]
        if round_score(bounds[0]) < self._min_score:
            return None
        missing = self._wanted - {tag.index for tag in tags}
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


def labels_in(document: Document) -> Mapping[int, str]:
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
