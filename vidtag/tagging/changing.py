"""A stored document with other settings, as far as what it holds says what they would give.

Fewer tags are a cut. Segments are found anew from the tags of the steps, which are the best alone:
where a label that a step does not show could open, hold or end a segment, or has a part in a mean
score, the document can't answer, and that is an error. A segment that stands in the document is
taken as it is; another one's mean, of scores with six decimals, has an uncertain last one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from vidtag.documents.record import round_score
from vidtag.documents.records import Document, SegmentRecord, SettingsRecord, StepRecord, summarise
from vidtag.errors import DocumentError
from vidtag.search.filtering import shown
from vidtag.search.matching import compile_patterns
from vidtag.search.stored import Gaps, Peaks, labels_in
from vidtag.seconds import format_seconds, milliseconds, round_seconds
from vidtag.tagging.document import segment_record
from vidtag.timeline.segments import HOLD_SHARE, Segment, SegmentRule, SegmentTracker
from vidtag.timeline.steps import Step

_HIDDEN = -np.inf
"""Stands for the score of a label that a step does not show; a mean with it shows as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Settings to take instead of those of a document; `None` leaves one as it is."""

    top_k: int | None = None
    min_score: float | None = None
    min_duration_seconds: Fraction | None = None
    merge_gap_seconds: Fraction | None = None


def change_settings(document: Document, changes: Changes) -> Document:
    """Make of a document what other settings would have given.

    >>> change_settings(document, Changes(min_score=0.5))  # doctest: +SKIP

    Raises:
        DocumentError: It does not hold enough to tell.
    """
    before = document.settings
    length, gap = changes.min_duration_seconds, changes.merge_gap_seconds
    settings = replace(
        before,
        min_score=before.min_score if changes.min_score is None else changes.min_score,
        min_duration_seconds=before.min_duration_seconds
        if length is None
        else round_seconds(length),
        merge_gap_seconds=before.merge_gap_seconds if gap is None else round_seconds(gap),
    )
    if settings != before:
        segments = tuple(_Again(document, settings).find())
        document = replace(
            document,
            settings=settings,
            summary=summarise(segments, document.sampling),
            segments=segments,
        )
    if changes.top_k is None or changes.top_k == before.top_k:
        return document
    return _with_top(document, changes.top_k)


def _with_top(document: Document, k: int) -> Document:
    """Keep the k best tags.

    Raises:
        DocumentError: There are fewer of them, and the model has more.
    """
    settings = document.settings
    _refuse_filtered(document, "-k")
    if k > settings.top_k < document.model.num_labels:
        raise _missing(
            document, f"it holds the best {settings.top_k} labels of each step, and -k asks for {k}"
        )
    return replace(
        document,
        settings=replace(settings, top_k=k),
        tags=document.tags[:k],
        timeline=tuple(replace(step, tags=step.tags[:k]) for step in document.timeline),
    )


def _refuse_filtered(document: Document, option: str) -> None:
    only = document.settings.only
    if only is not None:
        raise _missing(
            document, f"{option} needs all labels, and it was made with --only {shown(only)}"
        )


def _missing(document: Document, what: str) -> DocumentError:
    path = document.video.path
    return DocumentError(
        path, f"{path}: {what}; vidtag {path} would tell, at once where its scores are stored."
    )


class _Again:
    """Finds the segments of a document anew."""

    def __init__(self, document: Document, settings: SettingsRecord) -> None:
        _refuse_filtered(document, "another rule for segments")
        self._document = document
        if not 0 < settings.min_score <= 1:
            raise self._undecided(document.sampling.start_seconds)
        self._rule = SegmentRule(
            min_score=settings.min_score,
            min_duration_seconds=Fraction(milliseconds(settings.min_duration_seconds), 1000),
            merge_gap_seconds=Fraction(milliseconds(settings.merge_gap_seconds), 1000),
        )
        any_label = compile_patterns([""])
        self._peaks = Peaks(document)
        self._opening = Gaps(document, any_label, self._rule.min_score)
        self._holding = Gaps(document, any_label, self._rule.min_score * HOLD_SHARE)
        labels = labels_in(document)
        self._indices = sorted(labels)
        self._places = {index: place for place, index in enumerate(self._indices)}
        self._labels = [labels[index] for index in self._indices]

    def find(self) -> Iterator[SegmentRecord]:
        """Give the segments in the order of their starts.

        Raises:
            DocumentError: It can't be told what they are.
        """
        self._check_steps()
        tracker = SegmentTracker(self._rule)
        found: list[Segment] = []
        for step in self._document.timeline:
            found += tracker.add(self._step(step, tracker.holding)).closed
        found += tracker.finish()
        stored = {(s.index, s.start_seconds, s.end_seconds): s for s in self._document.segments}
        records = []
        for one in found:
            record = segment_record(one, self._labels)
            record = replace(record, index=self._indices[one.index])
            known = stored.get((record.index, record.start_seconds, record.end_seconds))
            if known is None and record.score == _HIDDEN:
                raise self._undecided(record.start_seconds)
            records.append(known or record)
        yield from sorted(records, key=lambda s: (s.start_seconds, -s.score, s.index))

    def _check_steps(self) -> None:
        """Refuse a timeline with holes, in which a segment may have been left or begun."""
        sampling = self._document.sampling
        at = sampling.start_seconds
        for step in self._document.timeline:
            if step.start_seconds != at or not step.tags:
                raise self._undecided(at)
            at = step.end_seconds
        if at != sampling.end_seconds:
            raise self._undecided(at)

    def _step(self, step: StepRecord, holding: frozenset[int]) -> Step:
        """Make a step with the scores that are known; the others must not matter."""
        tags = (*step.tags, *self._peaks.hidden_in(step))
        scores = np.full(len(self._indices), _HIDDEN)
        for tag in tags:
            scores[self._places[tag.index]] = tag.score
        known = {self._places[tag.index] for tag in tags}
        reaches = any(round_score(tag.score) >= self._rule.min_score for tag in tags)
        may_open = self._opening.highest_hidden_score(step, tags) is not None
        may_hold = (
            not reaches
            and not holding <= known
            and self._holding.highest_hidden_score(step, tags) is not None
        )
        if may_open or may_hold:
            raise self._undecided(step.start_seconds)
        return Step(
            start_seconds=Fraction(milliseconds(step.start_seconds), 1000),
            end_seconds=Fraction(milliseconds(step.end_seconds), 1000),
            scores=scores,
        )

    def _undecided(self, seconds: float) -> DocumentError:
        return _missing(
            self._document,
            f"its stored tags do not tell which segments there are at {format_seconds(seconds)}",
        )
