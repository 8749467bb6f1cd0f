import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidtag.clips.grid import Grid
from vidtag.clips.windows import Window, slide
from vidtag.video.frames import Frame

DURATIONS = st.fractions(min_value=Fraction(1, 100), max_value=30, max_denominator=1001)
WINDOWS = st.fractions(min_value=Fraction(1, 4), max_value=6, max_denominator=30)
STRIDES = st.fractions(min_value=Fraction(1, 20), max_value=12, max_denominator=30)
COUNTS = st.sampled_from([1, 2, 7, 8, 16])


def make_frames(times: list[Fraction], converted: list[int]) -> Iterator[Frame]:
    for number, seconds in enumerate(times):

        def to_rgb(number: int = number) -> np.ndarray:
            converted.append(number)
            return np.full((1, 1, 3), number % 251, np.uint8)

        yield Frame(seconds=seconds, duration_seconds=None, to_rgb=to_rgb)


def cut(
    times: list[Fraction], end: Fraction, grid: Grid, *, can_reread: bool = True
) -> tuple[list[Window], list[int]]:
    converted: list[int] = []
    windows = list(
        slide(
            lambda: make_frames(times, converted),
            grid,
            lambda image: image,
            end=lambda: end,
            can_reread=can_reread,
        )
    )
    return windows, converted


def at_rate(rate: Fraction, duration: Fraction) -> list[Fraction]:
    return [n / rate for n in range(max(1, math.ceil(duration * rate)))]


@pytest.mark.slow
@given(DURATIONS, WINDOWS, STRIDES, COUNTS, st.sampled_from([3, 10, 25, Fraction(30000, 1001)]))
@settings(max_examples=150, deadline=None)
def test_grid_invariants(duration, window, stride, num_frames, rate):
    grid = Grid.from_seconds(window=window, stride=stride, num_frames=num_frames)
    times = at_rate(Fraction(rate), duration)
    windows, converted = cut(times, duration, grid)

    starts = [w.start_seconds for w in windows]
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    if duration >= window:
        assert starts == [index * grid.interval_seconds for index in grid.starts(duration)]
        assert duration <= windows[-1].end_seconds < duration + grid.interval_seconds
        assert len(converted) == len(set(converted)), "a frame was converted twice"
    else:
        assert len(windows) == 1
        assert windows[0].end_seconds == duration
    if grid.stride_seconds <= window:
        for one, two in pairwise(windows):
            assert two.start_seconds <= one.end_seconds
    for w in windows:
        assert len(w.clip) == num_frames
        length = w.end_seconds - w.start_seconds
        for i, seconds in enumerate(w.frame_seconds):
            wanted = w.start_seconds + (i + Fraction(1, 2)) * length / num_frames
            assert seconds == max(t for t in times if t <= wanted)


@pytest.mark.slow
@given(DURATIONS, WINDOWS, STRIDES)
@settings(max_examples=100, deadline=None)
def test_a_pipe_gives_the_windows_of_a_file(duration, window, stride):
    grid = Grid.from_seconds(window=window, stride=stride, num_frames=16)
    times = at_rate(Fraction(25), duration)
    from_file, _ = cut(times, duration, grid)
    from_pipe, _ = cut(times, duration, grid, can_reread=False)
    assert [w.frame_seconds for w in from_file] == [w.frame_seconds for w in from_pipe]


@pytest.mark.parametrize(
    ("duration", "starts"),
    [
        ("2", [0]),
        ("2.01", [0, 1]),
        ("2.06", [0, 1]),
        ("2.1", [0, 1]),
        ("3", [0, 8]),
        ("3.124", [0, 8, 9]),
        ("3.126", [0, 8, 10]),
        ("0.04", [0]),
    ],
)
def test_starts_in_samples_of_an_eighth_of_a_second(duration, starts):
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(1), num_frames=16)
    assert grid.starts(Fraction(duration)) == starts


@pytest.mark.parametrize(
    ("stride", "samples"),
    [("1", 8), ("0.5", 4), ("0.06", 1), ("0.0625", 1), ("0.19", 2), ("5", 40)],
)
def test_stride_is_rounded_to_samples_halves_up(stride, samples):
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(stride), num_frames=16)
    assert grid.stride_samples == samples


def test_half_a_sample_is_rounded_up():
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(3, 16), num_frames=16)
    assert grid.stride_samples == 2


def test_a_late_start_shifts_the_grid():
    grid = Grid.from_seconds(
        window=Fraction(2), stride=Fraction(1), num_frames=16, start=Fraction(60)
    )
    times = [Fraction(59)] + [60 + Fraction(n, 10) + Fraction(1, 20) for n in range(40)]
    windows, _ = cut(times, Fraction(64), grid)
    assert [w.start_seconds for w in windows] == [60, 61, 62]
    assert windows[0].frame_seconds[0] == 60 + Fraction(1, 20)


def test_a_sparse_look_converts_only_what_its_windows_need():
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(10), num_frames=16)
    windows, converted = cut(at_rate(Fraction(25), Fraction(30)), Fraction(30), grid)
    assert [w.start_seconds for w in windows] == [0, 10, 20, 28]
    assert len(converted) == 4 * 16


def test_memory_is_bounded_by_a_window():
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(1), num_frames=16)
    alive = 0
    most = 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def prepare(image: np.ndarray) -> np.ndarray:
        nonlocal alive, most
        alive += 1
        most = max(most, alive)
        return image.view(Counted)

    frames = at_rate(Fraction(25), Fraction(120))
    for _ in slide(
        lambda: make_frames(frames, []), grid, prepare, end=lambda: Fraction(120), can_reread=True
    ):
        pass
    assert most <= 2 * grid.num_frames + 1


def test_no_frame_gives_no_window():
    grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(1), num_frames=16)
    assert cut([], Fraction(0), grid) == ([], [])


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (-1, 1), (1, 0), (1, -1)])
def test_lengths_that_make_no_sense_are_a_mistake(window, stride):
    with pytest.raises((ValueError, ZeroDivisionError)):
        Grid.from_seconds(window=Fraction(window), stride=Fraction(stride), num_frames=16)
