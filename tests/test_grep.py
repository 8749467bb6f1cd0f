import json
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from documents import LABELS, Row, make_document
from hypothesis import given, settings
from hypothesis import strategies as st

from vidtag.cli.grep_lines import JsonLines, TextLines
from vidtag.cli.grep_run import exit_code, explain_undecided
from vidtag.documents.records import Document, TagRecord
from vidtag.errors import UsageError
from vidtag.search.filtering import keep_matching
from vidtag.search.matching import Hit, Matcher, Patterns, compile_patterns
from vidtag.search.stored import Search, search_document
from vidtag.timeline.scores import Tag

ANYTHING = compile_patterns([""])


def tags(*scores: float) -> list[Tag]:
    """All labels of a step, best first."""
    pairs = sorted(enumerate(scores), key=lambda pair: -pair[1])
    return [Tag(label=LABELS[index], index=index, score=score) for index, score in pairs]


def feed(matcher: Matcher, *steps: Sequence[float]) -> list[list[tuple[float, float, str]]]:
    """Feed steps of one second, and return what each of them and the end completed."""
    batches = [matcher.add(Fraction(k), Fraction(k + 1), tags(*s)) for k, s in enumerate(steps)]
    return [
        [(hit.start_seconds, hit.end_seconds, hit.label) for hit in batch]
        for batch in [*batches, matcher.finish()]
    ]


# Patterns


@pytest.mark.parametrize(
    ("pattern", "label", "expected"),
    [
        ("jog", "Jogging", True),
        ("^jog", "not jogging", False),
        ("push|pull", "pull up", True),
        ("ÉCOLE", "école", True),
        (".", "", False),
        ("", "anything", True),
    ],
)
def test_patterns_match_anywhere_in_any_case(pattern: str, label: str, expected: bool) -> None:
    assert compile_patterns([pattern]).match(label) is expected


def test_exact_patterns_are_whole_labels() -> None:
    patterns = compile_patterns(["push up", "a.b (c)"], exact=True)
    assert patterns.match("Push Up")
    assert patterns.match("a.b (c)")
    assert not patterns.match("push ups")
    assert not patterns.match("push up\n")
    assert not patterns.match("aXb (c)")


def test_any_of_several_patterns_will_do() -> None:
    patterns = compile_patterns(["clap", "squat"])
    assert [label for label in LABELS if patterns.match(label)] == ["clapping", "squat"]


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<", "a{99999999999}"])
def test_a_bad_expression_is_a_clear_error(pattern: str) -> None:
    with pytest.raises(UsageError, match="-F") as caught:
        compile_patterns(["fine", pattern])
    assert f"'{pattern}' is no regular expression" in str(caught.value)
    assert compile_patterns([pattern], exact=True).match(pattern)


def test_a_pattern_is_needed() -> None:
    with pytest.raises(UsageError):
        compile_patterns([])


def test_patterns_without_a_label_are_told() -> None:
    patterns = compile_patterns(["clap", "swim", "fly"])
    assert patterns.without_label(iter(LABELS)) == ("swim", "fly")


# Runs


def test_consecutive_steps_of_one_label_are_one_run() -> None:
    matcher = Matcher(compile_patterns(["clapping"]), min_score=0.5)
    found = feed(matcher, (0.2,), (0.5,), (0.9,), (0.4,), (0.6,))
    assert found == [[], [], [], [(1.0, 3.0, "clapping")], [], [(4.0, 5.0, "clapping")]]
    assert matcher.num_hits == 2
    assert matcher.is_done


def test_the_score_of_a_run_is_its_best() -> None:
    matcher = Matcher(ANYTHING, min_score=0.5)
    matcher.add(0, 1, tags(0.6))
    matcher.add(1, 2, tags(0.9123456789))
    matcher.add(2, Fraction(7, 3), tags(0.7))
    [hit] = matcher.finish()
    assert hit == Hit(
        start_seconds=0.0, end_seconds=2.333, label="clapping", index=0, score=0.912346
    )


def test_runs_come_in_the_order_of_their_starts() -> None:
    matcher = Matcher(ANYTHING, min_score=0.3)
    found = feed(matcher, (0.5, 0.1), (0.5, 0.4), (0.5, 0.1), (0.1, 0.1))
    assert found == [[], [], [], [(0.0, 3.0, "clapping"), (1.0, 2.0, "jumping jacks")], []]


def test_labels_of_one_step_come_best_first() -> None:
    matcher = Matcher(ANYTHING, min_score=0.3)
    assert feed(matcher, (0.31, 0.6))[-1] == [(0, 1, "jumping jacks"), (0, 1, "clapping")]


def test_labels_of_the_same_name_are_told_apart_by_their_index() -> None:
    matcher = Matcher(ANYTHING, min_score=0.3)
    for k, index in enumerate((1, 1, 2)):
        matcher.add(k, k + 1, [TagRecord(label="walk", index=index, score=0.5)])
    assert matcher.num_hits == 2


def test_scores_are_compared_as_they_are_printed() -> None:
    matcher = Matcher(ANYTHING, min_score=0.3)
    matcher.add(0, 1, tags(0.2999996))
    assert matcher.num_hits == 1
    matcher = Matcher(ANYTHING, min_score=0.3)
    matcher.add(0, 1, tags(0.2999994))
    assert matcher.num_hits == 0


def test_a_count_stops_at_the_first_step_of_its_last_run() -> None:
    matcher = Matcher(compile_patterns(["clapping"]), min_score=0.5, max_count=1)
    assert matcher.add(0, 1, tags(0.1)) == ()
    assert not matcher.is_done
    [hit] = matcher.add(1, 2, tags(0.8))
    assert (hit.start_seconds, hit.end_seconds) == (1, 2)
    assert matcher.is_done
    assert matcher.add(2, 3, tags(0.9)) == ()
    assert matcher.finish() == ()
    assert matcher.num_hits == 1


def test_a_count_of_two() -> None:
    matcher = Matcher(ANYTHING, min_score=0.3, max_count=2)
    assert feed(matcher, (0.5, 0.1), (0.5, 0.4), (0.9, 0.9)) == [
        [],
        [(0, 2, "clapping"), (1, 2, "jumping jacks")],
        [],
        [],
    ]


def test_a_count_within_one_step_takes_the_best() -> None:
    matcher = Matcher(ANYTHING, min_score=0.2, max_count=1)
    [hit] = matcher.add(0, 1, tags(0.3, 0.5, 0.2))
    assert hit.label == "jumping jacks"


def test_a_count_of_zero_needs_no_step() -> None:
    matcher = Matcher(ANYTHING, min_score=0.2, max_count=0)
    assert matcher.is_done
    assert matcher.add(0, 1, tags(0.9)) == ()
    assert matcher.num_hits == 0


# Stored documents


def search(
    document: Document, pattern: str, min_score: float, *, exact: bool = False
) -> tuple[list[tuple[float, float, float]], list[tuple[float, float, float]]]:
    found = search_document(document, compile_patterns([pattern], exact=exact), min_score=min_score)
    return (
        [(hit.start_seconds, hit.end_seconds, hit.score) for hit in found.hits],
        [(gap.start_seconds, gap.end_seconds, gap.highest_score) for gap in found.undecided],
    )


def unsegmented(rows: Sequence[Row]) -> Document:
    """A document whose own `min_score` was too high for segments to tell anything."""
    return make_document(rows=rows, duration=float(len(rows)), min_score=1.0)


def test_a_document_gives_runs() -> None:
    document = make_document()
    assert search(document, "juggling", 0.3) == ([(0.0, 3.0, 0.91)], [])
    assert search(document, "jumping", 0.25)[0] == [(6.0, 7.7, 0.88)]
    assert search(document, "waving", 0.3) == ([], [])


def test_a_count_ends_the_search_of_a_document() -> None:
    rows = [((0, 0.9),), ((1, 0.6),), ((0, 0.6),)]
    found = search_document(unsegmented(rows), ANYTHING, min_score=0.3, max_count=1)
    assert [hit.label for hit in found.hits] == ["clapping"]
    assert found.undecided == ()


def test_what_is_not_stored_scores_no_more_than_the_lowest_that_is() -> None:
    document = unsegmented([((0, 0.4), (1, 0.25)), ((0, 0.4), (1, 0.1))])
    assert search(document, "squat", 0.3) == ([], [])
    assert search(document, "squat", 0.25) == ([], [(0.0, 1.0, 0.25)])
    assert search(document, "squat", 0.1) == ([], [(0.0, 2.0, 0.25)])


def test_what_is_not_stored_scores_no_more_than_what_is_left() -> None:
    document = unsegmented([((0, 0.5), (1, 0.4))])
    assert search(document, "squat", 0.11) == ([], [])
    assert search(document, "squat", 0.1) == ([], [(0.0, 1.0, 0.100001)])


def test_a_stored_label_is_decided() -> None:
    document = unsegmented([((0, 0.4), (1, 0.3))])
    assert search(document, "^clapping$", 0.1, exact=False)[1] != []  # another may match
    assert search(document, "clapping", 0.1, exact=True) == ([(0.0, 1.0, 0.4)], [])
    assert search(document, "squat", 0.1, exact=True)[1] == [(0.0, 1.0, 0.3)]


def test_a_label_that_other_steps_name_may_hide_in_this_one() -> None:
    document = unsegmented([((0, 0.4), (1, 0.3)), ((2, 0.4), (1, 0.3))])
    assert search(document, "clapping", 0.2, exact=True) == (
        [(0.0, 1.0, 0.4)],
        [(1.0, 2.0, 0.3)],
    )


def test_all_labels_stored_leave_nothing_open() -> None:
    rows = [tuple((n, 1 / len(LABELS)) for n in range(len(LABELS)))]
    assert search(unsegmented(rows), "nothing", 0.01) == ([], [])


def test_a_model_whose_labels_are_known_leaves_less_open() -> None:
    document = unsegmented([((0, 0.4), (1, 0.3))])
    swim = compile_patterns(["swim"])
    assert search_document(document, swim, min_score=0.1).undecided
    assert not search_document(document, swim, min_score=0.1, labels=LABELS).undecided
    squat = compile_patterns(["squat"])
    assert search_document(document, squat, min_score=0.1, labels=LABELS).undecided


def test_segments_tell_of_every_label_at_the_documents_own_score() -> None:
    document = make_document(rows=[((0, 0.4), (1, 0.3))], duration=1.0, min_score=0.2)
    assert search(document, "squat", 0.2) == ([], [])
    assert search(document, "squat", 0.19)[1] == [(0.0, 1.0, 0.3)]
    dropped = replace(document, settings=replace(document.settings, min_duration_seconds=0.5))
    assert search(dropped, "squat", 0.2)[1] == [(0.0, 1.0, 0.3)]


def test_a_segment_of_a_label_that_is_not_shown() -> None:
    document = make_document(
        rows=[((0, 0.5), (5, 0.3)), ((0, 0.5), (5, 0.4)), ((0, 0.5), (5, 0.3))],
        duration=3.0,
        min_score=0.2,
    )
    top_one = replace(
        document,
        timeline=tuple(replace(step, tags=step.tags[:1]) for step in document.timeline),
    )
    # Its best step is known; the others of its segment may be hits, or not.
    assert search(top_one, "squat", 0.35) == (
        [(1.0, 2.0, 0.4)],
        [(0.0, 1.0, 0.4), (2.0, 3.0, 0.4)],
    )
    assert search(top_one, "squat", 0.41) == ([], [])


def test_a_document_without_steps_or_tags() -> None:
    assert search(replace(make_document(), timeline=(), segments=()), "x", 0.1) == ([], [])


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    weights=st.lists(
        st.lists(st.integers(0, 1000), min_size=len(LABELS), max_size=len(LABELS)).filter(any),
        min_size=1,
        max_size=5,
    ),
    top_k=st.integers(1, len(LABELS)),
    min_score=st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.5]),
    own_score=st.sampled_from([0.05, 0.2, 0.5]),
    exact=st.booleans(),
    only=st.sampled_from([None, "squat", "^s|u", "riding"]),
)
def test_a_document_never_says_what_the_video_does_not(
    weights: list[list[int]],
    top_k: int,
    min_score: float,
    own_score: float,
    exact: bool,
    only: str | None,
) -> None:
    rows = [
        tuple(sorted(enumerate(w / sum(row) for w in row), key=lambda pair: -pair[1]))
        for row in weights
    ]
    full = make_document(rows=rows, duration=float(len(rows)), min_score=own_score)
    stored = replace(
        full,
        settings=replace(full.settings, top_k=top_k),
        timeline=tuple(replace(step, tags=step.tags[:top_k]) for step in full.timeline),
        tags=full.tags[:top_k],
    )
    if only is not None:
        stored = keep_matching(stored, compile_patterns([only]))
    patterns = compile_patterns(["squat"], exact=exact)
    truth = _steps_with_hits(search_document(full, patterns, min_score=min_score))
    found = search_document(stored, patterns, min_score=min_score)
    hits, open_ = _steps_with_hits(found), _steps(found.undecided)
    assert hits <= truth <= hits | open_
    if top_k == len(LABELS) and only is None:
        assert not open_


def _steps(stretches: Sequence[object]) -> set[int]:
    return {
        k
        for one in stretches
        for k in range(int(one.start_seconds), int(one.end_seconds))  # type: ignore[attr-defined]
    }


def _steps_with_hits(found: Search) -> set[int]:
    return _steps(found.hits)


def test_what_is_open_is_told_in_one_sentence() -> None:
    document = unsegmented([((0, 0.4), (1, 0.3)), ((6, 0.9),), ((2, 0.4), (1, 0.3))])
    patterns = compile_patterns(["squat"])
    found = search_document(document, patterns, min_score=0.2)
    text = explain_undecided("a.mp4.json", document, found, min_score=0.2)
    assert text is not None
    assert text.startswith("a.mp4.json: from 0.000 to 1.000 s and in 1 more stretch, a label")
    assert "top 5 may reach 0.2;" in text
    assert "\n" not in text
    decided = search_document(document, patterns, min_score=0.9)
    assert explain_undecided("a", document, decided, min_score=0.9) is None


# Output


def test_lines() -> None:
    hit = Hit(start_seconds=5.0, end_seconds=9.04, label="jog\n\x1b[31m", index=1, score=0.93)
    line = "5.000-9.040:jog\\n\\u001b[31m:0.930000\n"
    assert TextLines().hit("a:b\n.mp4", hit) == "a:b\n.mp4:" + line
    assert TextLines(nul=True).hit("a:b\n.mp4", hit) == "a:b\n.mp4\0" + line
    assert TextLines().count("a.mp4", 0) == "a.mp4:0\n"
    assert TextLines(nul=True).count("a.mp4", 3) == "a.mp4\x003\n"
    assert TextLines().name("caf\udce9.mp4") == "caf\udce9.mp4\n"
    assert TextLines(nul=True).name("a.mp4") == "a.mp4\0"


@pytest.mark.parametrize(
    ("num_hits", "num_errors", "expected"),
    [(1, 0, 0), (7, 0, 0), (0, 0, 1), (0, 1, 2), (5, 1, 2)],
)
def test_exit_codes(num_hits: int, num_errors: int, expected: int) -> None:
    assert exit_code(num_hits=num_hits, num_errors=num_errors) == expected


def test_patterns_are_values() -> None:
    assert compile_patterns(["a"]) == compile_patterns(["a"])
    assert isinstance(compile_patterns(["a"]), Patterns)


def test_names_are_left_out_where_that_is_asked_for():
    hit = Hit(start_seconds=1.0, end_seconds=2.0, label="run", index=0, score=0.5)
    assert TextLines(names=False).hit("a.mp4", hit) == "1.000-2.000:run:0.500000\n"
    assert TextLines(names=False).count("a.mp4", 3) == "3\n"


def test_colours_tell_the_parts_apart_and_change_no_text():
    hit = Hit(start_seconds=1.0, end_seconds=2.0, label="run", index=0, score=0.5)
    coloured = TextLines(is_coloured=True)
    for line, plain in (
        (coloured.hit("a.mp4", hit), TextLines().hit("a.mp4", hit)),
        (coloured.count("a.mp4", 3), TextLines().count("a.mp4", 3)),
        (coloured.name("a.mp4"), TextLines().name("a.mp4")),
    ):
        assert "\x1b[" in line
        assert re.sub(r"\x1b\[[\d;]*m", "", line) == plain


def test_json_lines_of_hits_are_json_whatever_the_names():
    hit = Hit(start_seconds=1.0, end_seconds=2.5, label='a "b"\n\ud800', index=7, score=0.1234567)
    lines = JsonLines()
    line = lines.hit("caf\udce9\n.mp4", hit)
    assert line.count("\n") == 1
    parsed = json.loads(line.encode())
    assert parsed == {
        "path": "caf\ufffd\n.mp4", "start_seconds": 1.0, "end_seconds": 2.5,
        "label": 'a "b"\n\ud800', "index": 7, "score": 0.123457,
    }  # fmt: skip
    assert json.loads(lines.count("a", 2)) == {"path": "a", "count": 2}
    assert json.loads(lines.name("a")) == {"path": "a"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-l", "-c"], "choose one"),
        (["-l", "--no-filename"], "choose one"),
        (["-Z", "--json"], "-Z ends names"),
        (["-Z", "--no-filename"], "-Z ends names"),
    ],
)
def test_what_grep_can_not_do_at_once_is_wrong_usage(run, options, said):
    code, out, err = run("grep", "x", "clip.mp4", *options)
    assert (code, out) == (2, "")
    assert said in err
