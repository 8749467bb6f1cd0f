"""`vidtag show` with other settings: what stored tags tell is right, the rest is an error."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from documents import make_document, make_empty
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vidtag.documents.json import to_json
from vidtag.documents.records import (
    Document,
    SegmentRecord,
    StepRecord,
    TagRecord,
    round_score,
    summarise,
)
from vidtag.errors import DocumentError
from vidtag.search.filtering import keep_matching
from vidtag.search.matching import compile_patterns
from vidtag.tagging.changing import Changes, change_settings
from vidtag.tagging.document import segment_record
from vidtag.timeline.scores import top_tags
from vidtag.timeline.segments import SegmentRule, find_segments
from vidtag.timeline.steps import Step

LABELS = tuple("abcdefgh")


def make(
    scores: list[list[float]], rule: SegmentRule, k: int, labels: tuple[str, ...] = LABELS
) -> Document:
    """Make the document that vidtag makes of the scores of all labels."""
    steps = [
        Step(start_seconds=Fraction(n), end_seconds=Fraction(n + 1), scores=np.array(row))
        for n, row in enumerate(scores)
    ]
    base = make_document(labels=labels, rows=[((0, 0.1),)] * len(scores), duration=len(scores))
    segments = tuple(segment_record(one, labels) for one in find_segments(steps, rule))

    def tags(row: np.ndarray) -> tuple[TagRecord, ...]:
        return tuple(
            TagRecord(label=one.label, index=one.index, score=round_score(one.score))
            for one in top_tags(row, labels, k)
        )

    return replace(
        base,
        settings=replace(
            base.settings,
            top_k=k,
            min_score=rule.min_score,
            min_duration_seconds=float(rule.min_duration_seconds),
            merge_gap_seconds=float(rule.merge_gap_seconds),
        ),
        tags=tags(np.mean(scores, axis=0)),
        segments=segments,
        summary=summarise(segments, base.sampling),
        timeline=tuple(
            StepRecord(
                start_seconds=float(step.start_seconds),
                end_seconds=float(step.end_seconds),
                tags=tags(step.scores),
            )
            for step in steps
        ),
    )


def rows() -> st.SearchStrategy[list[list[float]]]:
    """Draw steps whose scores sum up to 1, some of them sure, some of them flat."""

    def normal(row: list[int]) -> list[float]:
        weights = np.array([weight**3 + 0.01 for weight in row])
        return [float(one) for one in weights / weights.sum()]

    row = st.lists(st.integers(0, 6), min_size=len(LABELS), max_size=len(LABELS)).map(normal)
    return st.lists(row, min_size=1, max_size=9)


RULES = st.builds(
    SegmentRule,
    min_score=st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.8]),
    min_duration_seconds=st.sampled_from([Fraction(0), Fraction(2)]),
    merge_gap_seconds=st.sampled_from([Fraction(0), Fraction(1), Fraction(3)]),
)


def agree(found: Document, wanted: Document) -> None:
    """Check that two documents tell the same; means may differ in the last of six decimals."""

    def key(one: SegmentRecord) -> tuple[object, ...]:
        return one.index, one.start_seconds, one.end_seconds, one.label, one.peak_score

    assert sorted(map(key, found.segments)) == sorted(map(key, wanted.segments))
    by_key = {key(one): one for one in wanted.segments}
    for one in found.segments:
        assert one.score == pytest.approx(by_key[key(one)].score, abs=1.1e-6)
    assert replace(found, segments=(), summary=()) == replace(wanted, segments=(), summary=())
    assert {one.label: one.seconds for one in found.summary} == {
        one.label: one.seconds for one in wanted.summary
    }


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(scores=rows(), before=RULES, after=RULES, k=st.integers(1, len(LABELS)))
def test_what_is_shown_is_what_tagging_gives(scores, before, after, k) -> None:
    stored = make(scores, before, k)
    changes = Changes(
        min_score=after.min_score,
        min_duration_seconds=after.min_duration_seconds,
        merge_gap_seconds=after.merge_gap_seconds,
    )
    try:
        found = change_settings(stored, changes)
    except DocumentError:
        assert k < len(LABELS)  # with all labels, everything can be told
        return
    agree(found, make(scores, after, k))


@settings(max_examples=50, deadline=None)
@given(scores=rows(), rule=RULES, k=st.integers(2, len(LABELS)), less=st.integers(1, 8))
@example(scores=[[0.125] * 8], rule=SegmentRule(), k=5, less=5)
def test_fewer_tags_are_a_cut_and_more_are_missing(scores, rule, k, less) -> None:
    stored = make(scores, rule, k)
    if less <= k:
        assert change_settings(stored, Changes(top_k=less)) == make(scores, rule, less)
    elif k < len(LABELS):
        with pytest.raises(DocumentError, match=f"holds the best {k} labels of each step"):
            change_settings(stored, Changes(top_k=less))


SURE = [[0.9, *[0.1 / 7] * 7]] * 2 + [[0.05, 0.65, *[0.05] * 6]] * 2
"""Labels that are far above the others."""


@pytest.mark.parametrize("score", [0.2, 0.4, 0.5, 0.7, 0.95])
def test_the_usual_five_tags_tell_of_other_scores(score: float) -> None:
    stored = make(SURE, SegmentRule(), 5)
    found = change_settings(stored, Changes(min_score=score))
    agree(found, make(SURE, SegmentRule(min_score=score), 5))


def test_what_is_not_told_is_named_with_its_time_and_what_would() -> None:
    flat = [[0.9, *[0.1 / 7] * 7], [0.125] * 8]
    stored = make(flat, SegmentRule(), 5)
    with pytest.raises(DocumentError) as caught:
        change_settings(stored, Changes(min_score=0.1))
    assert str(caught.value) == (
        "clips/park.mp4: its stored tags do not tell which segments there are at 0:01; vidtag "
        "clips/park.mp4 would tell, at once where its scores are stored."
    )


def test_the_same_settings_change_nothing() -> None:
    for document in (make_document(), make_empty(), make([[0.125] * 8], SegmentRule(), 1)):
        same = document.settings
        changes = Changes(
            top_k=same.top_k,
            min_score=same.min_score,
            min_duration_seconds=Fraction(str(same.min_duration_seconds)),
        )
        assert change_settings(document, changes) == document


def test_a_document_with_holes_or_without_steps_does_not_tell() -> None:
    whole = make(SURE, SegmentRule(), 8)
    holes = replace(whole, timeline=(whole.timeline[0], *whole.timeline[2:]))
    late = replace(whole, timeline=whole.timeline[1:])
    short = replace(whole, timeline=whole.timeline[:-1])
    bare = replace(whole, timeline=())
    untagged = replace(whole, timeline=tuple(replace(s, tags=()) for s in whole.timeline))
    for document in (holes, late, short, bare, untagged):
        with pytest.raises(DocumentError, match="do not tell which segments"):
            change_settings(document, Changes(min_score=0.4))


def test_what_only_left_out_is_not_told() -> None:
    document = keep_matching(make(SURE, SegmentRule(), 8), compile_patterns(["a"]))
    for changes in (Changes(min_score=0.4), Changes(top_k=2)):
        with pytest.raises(DocumentError, match=r"needs all labels, and it was made with --only"):
            change_settings(document, changes)


def test_stored_results_are_shown_with_other_settings(run, tmp_path) -> None:
    path = tmp_path / "tags.jsonl"
    flat = replace(make([[0.125] * 8] * 2, SegmentRule(), 5), video=make_empty().video)
    path.write_text(f"{to_json(make(SURE, SegmentRule(), 5))}\n{to_json(flat)}\n")
    code, out, err = run(
        "show", str(path), "--min-score", "0.1", "-k", "2", "--json", "--only", "b"
    )
    assert code == 3
    assert err.splitlines() == [
        "error: clips/empty.mp4: its stored tags do not tell which segments there are at 0:00; "
        "vidtag clips/empty.mp4 would tell, at once where its scores are stored."
    ]
    document = json.loads(out)
    assert document["settings"] == {
        "top_k": 2,
        "min_score": 0.1,
        "min_duration_seconds": 0.0,
        "merge_gap_seconds": 1.0,
        "only": ["b"],
    }
    assert [one["label"] for one in document["segments"]] == ["b"]
    code, out, err = run("show", str(path), "-k", "9", "--json")
    assert (code, out) == (1, "")
    assert err.count("error: ") == 2
    assert "-k asks for 9" in err


def test_wrong_values_are_wrong_usage(run, tmp_path) -> None:
    path = tmp_path / "tags.jsonl"
    path.write_text(to_json(make_document()))
    assert run("show", str(path), "--min-score", "2")[0] == 2
    assert run("show", str(path), "-k", "0")[0] == 2
