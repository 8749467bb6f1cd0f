import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidtag.clips.grid import Grid
from vidtag.timeline.scores import softmax
from vidtag.timeline.segments import SegmentRule, find_segments
from vidtag.timeline.steps import Step, TimelineBuilder


def build(grid: Grid, duration: Fraction) -> tuple[list[Step], int]:
    """Give window n the logits [n, 0], so that a step tells which windows it came from."""
    builder = TimelineBuilder(
        stride_seconds=grid.stride_seconds,
        average="logits",
        window_seconds=grid.window_seconds,
    )
    steps = []
    early = 0
    for n, index in enumerate(grid.starts(duration)):
        start = index * grid.interval_seconds
        end = start + grid.window_seconds
        steps += builder.add(start, end, np.array([n, 0], np.float32))
    early = len(steps)
    return steps + builder.finish(duration), early


def window_mean(step: Step) -> float:
    """Undo the softmax of [mean, 0]."""
    return float(np.log(step.scores[0] / step.scores[1]))


@pytest.mark.slow
@given(
    st.fractions(min_value=Fraction(1, 100), max_value=40, max_denominator=1001),
    st.fractions(min_value=Fraction(1, 4), max_value=6, max_denominator=30),
    st.fractions(min_value=Fraction(1, 20), max_value=12, max_denominator=30),
)
@settings(max_examples=300, deadline=None)
def test_steps_tile_the_duration(duration, window, stride):
    grid = Grid.from_seconds(window=window, stride=stride, num_frames=16)
    steps, _ = build(grid, duration)
    assert len(steps) == math.ceil(duration / grid.stride_seconds)
    assert steps[0].start_seconds == 0
    assert steps[-1].end_seconds == duration
    for one, two in pairwise(steps):
        assert one.end_seconds == two.start_seconds
        assert one.end_seconds - one.start_seconds == grid.stride_seconds


def test_a_step_is_the_mean_of_the_windows_that_cover_its_middle():
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(1), num_frames=16)
    steps, early = build(grid, Fraction(5))  # windows at 0, 1, 2, 3
    assert [round(window_mean(s), 6) for s in steps] == [0, 0.5, 1.5, 2.5, 3]
    assert early == 3


def test_the_tail_counts_where_it_covers():
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(1), num_frames=16)
    steps, _ = build(grid, Fraction("4.5"))  # windows at 0, 1, 2 and the tail at 2.5
    # middles 0.5, 1.5, 2.5, 3.5, 4.25: the tail covers the last three
    assert [round(window_mean(s), 6) for s in steps] == [0, 0.5, 2, 2.5, 3]


def test_a_sparse_step_belongs_to_the_window_that_starts_in_it():
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(10), num_frames=16)
    steps, _ = build(grid, Fraction(21))  # windows at 0, 10 and the tail at 19
    assert [round(window_mean(s), 6) for s in steps] == [0, 1.5, 2]


def test_windows_out_of_order_are_a_mistake():
    builder = TimelineBuilder(
        stride_seconds=Fraction(1), window_seconds=Fraction(2), average="logits"
    )
    builder.add(Fraction(0), Fraction(2), np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="order"):
        builder.add(Fraction(0), Fraction(2), np.zeros(2, np.float32))


def steps_of(*scores: float, last: Fraction = Fraction(1)) -> list[Step]:
    """Make steps from the scores of one label; many others share what is left."""
    return [
        Step(
            start_seconds=Fraction(k),
            end_seconds=k + (last if k == len(scores) - 1 else Fraction(1)),
            scores=np.array([score, *[(1 - score) / 9] * 9]),
        )
        for k, score in enumerate(scores)
    ]


def stretches(steps: list[Step], **rule: object) -> list[tuple[float, float]]:
    found = find_segments(steps, SegmentRule(**{"merge_gap_seconds": Fraction(0)} | rule))
    return [(float(s.start_seconds), float(s.end_seconds)) for s in found if s.index == 0]


@pytest.mark.parametrize(
    ("scores", "rule", "found"),
    [
        ([0.1, 0.6, 0.3, 0.2], {"min_score": 0.6}, [(1, 3)]),  # holds down to half
        ([0.3, 0.6, 0.1], {"min_score": 0.6}, [(1, 2)]),  # does not open at half
        ([0.6, 0.29, 0.6], {"min_score": 0.6}, [(0, 1), (2, 3)]),
        ([0.6, 0.2, 0.6], {"min_score": 0.6, "merge_gap_seconds": Fraction(1)}, [(0, 3)]),
        (
            [0.6, 0.2, 0.6],
            {"min_score": 0.6, "merge_gap_seconds": Fraction(99, 100)},
            [(0, 1), (2, 3)],
        ),
        ([0.6, 0.2, 0.6, 0.6], {"min_score": 0.6, "min_duration_seconds": Fraction(2)}, [(2, 4)]),
        ([0.1, 0.1], {"min_score": 0.6}, []),
    ],
)
def test_segments(scores, rule, found):
    assert stretches(steps_of(*scores), **rule) == found


def labelled(*rows: tuple[float, ...]) -> list[Step]:
    """Make steps of a second from the scores of each label; what is left is one more label's."""
    return [
        Step(
            start_seconds=Fraction(k),
            end_seconds=Fraction(k + 1),
            scores=np.array([*row, 1 - sum(row)]),
        )
        for k, row in enumerate(rows)
    ]


def test_a_weak_label_does_not_run_on_into_another_ones_step():
    steps = labelled((0.9, 0.05), (0.4, 0.5), (0.1, 0.8))
    found = find_segments(steps, SegmentRule(min_score=0.5))
    assert [(s.index, s.start_seconds, s.end_seconds) for s in found] == [(0, 0, 1), (1, 1, 3)]


def test_labels_that_both_reach_the_score_overlap():
    steps = labelled((0.9, 0.05), (0.4, 0.5), (0.1, 0.8))
    found = find_segments(steps, SegmentRule(min_score=0.4))
    assert [(s.index, s.start_seconds, s.end_seconds) for s in found] == [(0, 0, 2), (1, 1, 3)]


def test_a_gap_in_which_another_label_holds_is_not_bridged():
    rule = SegmentRule(min_score=0.5, merge_gap_seconds=Fraction(5))
    steps = labelled((0.9, 0.0), (0.0, 0.9), (0.9, 0.0))
    assert [s.index for s in find_segments(steps, rule)] == [0, 1, 0]
    steps = labelled((0.9, 0.0), (0.3, 0.3), (0.9, 0.0))
    assert [s.index for s in find_segments(steps, rule)] == [0]


def test_one_that_is_dropped_for_its_length_parts_the_others_all_the_same():
    rule = SegmentRule(min_score=0.5, min_duration_seconds=Fraction(2))
    steps = labelled((0.9, 0.0), (0.9, 0.0), (0.4, 0.6), (0.9, 0.0), (0.9, 0.0))
    found = find_segments(steps, rule)
    assert [(s.start_seconds, s.end_seconds) for s in found] == [(0, 2), (3, 5)]


def test_scores_are_compared_as_they_are_printed():
    assert stretches(steps_of(0.2999996, 0.1), min_score=0.3) == [(0, 1)]
    assert stretches(steps_of(0.2999994, 0.1), min_score=0.3) == []


def plain_rule(steps: list[Step], index: int, rule: SegmentRule) -> list[tuple[int, int]]:
    """Find one label's segments step by step, as the rule is written: first and last steps."""
    reaching = [
        {int(n) for n in np.flatnonzero(step.scores.round(6) >= rule.min_score)} for step in steps
    ]
    runs: list[tuple[int, int]] = []
    is_open = False
    for k, step in enumerate(steps):
        is_weak = round(float(step.scores[index]), 6) >= rule.min_score / 2
        if index in reaching[k]:
            runs = [*runs[:-1], (runs[-1][0], k)] if is_open else [*runs, (k, k)]
            is_open = True
        elif is_open and is_weak and not reaching[k]:
            runs = [*runs[:-1], (runs[-1][0], k)]
        else:
            is_open = False
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        gap = range(joined[-1][1] + 1, first) if joined else range(0)
        length = sum(steps[k].end_seconds - steps[k].start_seconds for k in gap)
        if joined and length <= rule.merge_gap_seconds and not any(reaching[k] for k in gap):
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return [
        (first, last)
        for first, last in joined
        if steps[last].end_seconds - steps[first].start_seconds >= rule.min_duration_seconds
    ]


@st.composite
def courses(draw: st.DrawFn) -> list[Step]:
    """Steps of a quarter second with scores of few values, so that they often meet."""
    num_labels, num_steps = draw(st.integers(1, 5)), draw(st.integers(1, 16))
    scores = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 0.9])
    row = st.lists(scores, min_size=num_labels, max_size=num_labels)
    end = Fraction(num_steps, 4) - draw(st.sampled_from([Fraction(0), Fraction(1, 8)]))
    return [
        Step(
            start_seconds=Fraction(k, 4),
            end_seconds=min(Fraction(k + 1, 4), end),
            scores=np.array(draw(row)),
        )
        for k in range(num_steps)
    ]


rules = st.builds(
    SegmentRule,
    min_score=st.sampled_from([0.1, 0.3, 0.4, 0.6, 1.0]),
    min_duration_seconds=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)]),
    merge_gap_seconds=st.sampled_from([Fraction(0), Fraction(1, 4), Fraction(1)]),
)


@pytest.mark.slow
@given(courses(), rules)
@settings(max_examples=400, deadline=None)
def test_segments_follow_the_rule(steps, rule):
    found = find_segments(steps, rule)
    starts = {step.start_seconds: k for k, step in enumerate(steps)}
    ends = {step.end_seconds: k for k, step in enumerate(steps)}
    by_label: dict[int, list[tuple[int, int]]] = {}
    for segment in found:
        first, last = starts[segment.start_seconds], ends[segment.end_seconds]
        own = [float(step.scores[segment.index]) for step in steps[first : last + 1]]
        by_label.setdefault(segment.index, []).append((first, last))
        assert own[0] >= rule.min_score
        assert own[-1] >= rule.min_score / 2
        assert segment.score == pytest.approx(np.mean(own))
        assert segment.peak_score == max(own)
        assert steps[first + own.index(max(own))].middle_seconds == segment.peak_seconds
        for step, score in zip(steps[first : last + 1], own, strict=True):
            assert score >= rule.min_score or max(step.scores) < rule.min_score
    for index in range(len(steps[0].scores)):
        assert by_label.get(index, []) == plain_rule(steps, index, rule)
    order = [(s.start_seconds, -s.score, s.index) for s in found]
    assert order == sorted(order)


def test_a_segment_reports_mean_and_peak_of_all_its_steps():
    rule = SegmentRule(min_score=0.6, merge_gap_seconds=Fraction(1))
    found = find_segments(steps_of(0.6, 0.2, 0.9), rule)
    assert found[0].score == pytest.approx((0.6 + 0.2 + 0.9) / 3)
    assert (found[0].peak_score, found[0].peak_seconds) == (0.9, Fraction(5, 2))


def test_probs_average_each_windows_softmax():
    builder = TimelineBuilder(
        stride_seconds=Fraction(1), window_seconds=Fraction(2), average="probs"
    )
    windows = np.array([[3, 0], [0, 1]], np.float32)
    builder.add(Fraction(0), Fraction(2), windows[0])
    builder.add(Fraction(1), Fraction(3), windows[1])
    steps = builder.finish(Fraction(3))
    assert builder.video_scores() == pytest.approx(softmax(windows).mean(axis=0))
    assert steps[-1].scores == pytest.approx(softmax(windows[1]))
