"""The records of a document: what is said of segments in all, and what older documents lack."""

import json
from dataclasses import replace

import pytest
from documents import make_document, make_documents, make_empty

from vidtag.documents.json import to_json
from vidtag.documents.records import SegmentRecord, summarise
from vidtag.documents.stored import read_documents

DOCUMENTS = make_documents()


def segment(start: float, end: float, index: int, score: float, peak: float) -> SegmentRecord:
    return SegmentRecord(
        start_seconds=start,
        end_seconds=end,
        label=f"label {index}",
        index=index,
        score=score,
        peak_score=peak,
        peak_seconds=start + 0.5,
    )


def test_the_summary_adds_up_the_segments_of_each_label():
    sampling = replace(make_document().sampling, start_seconds=10.0, end_seconds=20.0)
    segments = [
        segment(10, 11, 4, 0.5, 0.6),
        segment(11, 14, 2, 0.8, 0.9),
        segment(13, 16, 4, 0.9, 0.95),
        segment(16, 17, 7, 0.4, 0.4),
    ]
    [first, second, third] = summarise(segments, sampling)
    assert (first.index, first.label, first.seconds, first.share) == (4, "label 4", 4.0, 0.4)
    assert (first.score, first.peak_score, first.peak_seconds) == (0.8, 0.95, 13.5)
    assert first.num_segments == 2
    assert (second.index, second.seconds, second.num_segments) == (2, 3.0, 1)
    assert (third.index, third.share) == (7, 0.1)


def test_labels_that_hold_equally_long_come_in_the_order_of_time():
    sampling = replace(make_document().sampling, start_seconds=0.0, end_seconds=9.0)
    segments = [segment(k, k + 3, index, 0.5, 0.6) for k, index in ((0, 8), (3, 1), (6, 4))]
    assert [label.index for label in summarise(segments, sampling)] == [8, 1, 4]


def test_equal_peaks_are_told_by_the_first():
    sampling = make_document().sampling
    [label] = summarise([segment(0, 1, 0, 0.5, 0.6), segment(4, 5, 0, 0.5, 0.6)], sampling)
    assert label.peak_seconds == 0.5


def test_a_segment_without_a_length_has_a_score():
    sampling = replace(make_document().sampling, start_seconds=1.0, end_seconds=1.0)
    [label] = summarise([segment(1, 1, 0, 0.5, 0.6)], sampling)
    assert (label.seconds, label.share, label.score) == (0.0, 1.0, 0.5)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_summary_holds_what_the_segments_say(kind):
    document = DOCUMENTS[kind]
    assert {label.index for label in document.summary} == {s.index for s in document.segments}
    assert sum(label.num_segments for label in document.summary) == len(document.segments)
    lengths = [label.seconds for label in document.summary]
    assert lengths == sorted(lengths, reverse=True)
    assert all(0 <= label.share <= 1 for label in document.summary)


def test_nothing_that_holds_gives_an_empty_summary():
    assert make_empty().summary == ()


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_of_before_there_was_a_summary_gets_one(kind):
    document = DOCUMENTS[kind]
    value = json.loads(to_json(document))
    assert list(value).index("summary") == list(value).index("segments") - 1
    del value["summary"]
    assert list(read_documents(json.dumps(value), "old")) == [document]
