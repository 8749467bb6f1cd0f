"""Windows that show the same as the one before are not run again, and the bytes stay the same."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fake_classifier import FakeClassifier

from vidtag import Tagger
from vidtag.clips.windows import Window
from vidtag.tagging.running import WindowRunner

HELD = np.zeros((24, 32, 3), np.uint8)


def pictures(*stretches: tuple[float, bool]) -> tuple[np.ndarray, list[Fraction]]:
    """Draw a recording at a variable rate: (seconds, whether the picture is held) after another."""
    rng = np.random.default_rng(0)
    frames, times, now = [], [], Fraction(0)
    for seconds, is_held in stretches:
        number = 1 if is_held else round(seconds * 8)
        frames += [rng.integers(0, 255, HELD.shape, np.uint8) for _ in range(number)]
        times += [now + Fraction(k, 8) for k in range(number)]
        now += Fraction(seconds)
    frames.append(frames[-1])  # the last one's time ends the video
    return np.stack(frames), [*times, now]


def without_timing(document):
    return {**document.to_dict(), "timing": None}


class Counting:
    """A classifier of the package that tells how many windows it was given."""

    def __init__(self, inner, **changes):
        self.inner, self.num_windows = inner, 0
        self.labels, self.prepare = inner.labels, inner.prepare
        self.features, self.head = inner.features, inner.head
        self.info = replace(inner.info, **changes)

    def logits(self, clips):
        self.num_windows += len(clips)
        return self.inner.logits(clips)


@pytest.fixture(scope="module")
def demo():
    return Tagger("demo", device="cpu", precision="fp32").classifier


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_a_held_picture_is_run_once_and_the_bytes_stay_the_same(demo, batch_size, monkeypatch):
    frames, times = pictures((4, False), (16, True), (3, False))
    sparing = Counting(demo, batch_size=batch_size)
    document = Tagger(sparing).tag(frames, times=times)
    monkeypatch.setattr("vidtag.tagging.running._are_equal", lambda *_: False)
    whole = Counting(demo, batch_size=batch_size)
    assert without_timing(Tagger(whole).tag(frames, times=times)) == without_timing(document)
    assert whole.num_windows == document.sampling.num_windows == 23
    # Held from 4 s to 20 s: windows start there from 4 s to 18 s, and all but the first repeat.
    assert document.timing.num_repeated_windows == 14
    assert sparing.num_windows == 23 - 14


@pytest.mark.slow
def test_where_the_batch_shapes_the_bits_whole_batches_must_repeat(demo):
    frames, times = pictures((4, False), (16, True), (3, False))
    on_torch = Counting(demo, engine="torch", batch_size=4)
    document = Tagger(on_torch).tag(frames, times=times)
    # Batches start at 0, 4, 8, 12, 16 s: those at 8 and 12 s equal the one at 4 s.
    assert document.timing.num_repeated_windows == 8
    assert on_torch.num_windows == 23 - 8


@pytest.mark.slow
def test_features_are_kept_for_windows_that_repeat(demo):
    frames, times = pictures((3, False), (8, True), (1, False))
    scored = Tagger(demo).score(frames, times=times, features=True)
    assert scored.features.shape[0] == len(scored) == 12
    assert scored.timing.num_repeated_windows == 6
    assert np.array_equal(scored.features[3:10], np.repeat(scored.features[3:4], 7, 0))


def test_a_stored_window_counts_as_the_one_before():
    runner = WindowRunner(FakeClassifier(), 3)

    def window(k: int, value: int) -> Window:
        return Window(
            start_seconds=Fraction(k),
            end_seconds=Fraction(k + 2),
            frame_seconds=(Fraction(k),) * 16,
            clip=(np.array([[[value, 0, 0]]], np.uint8),) * 16,
        )

    row = runner.rows([window(0, 7)])
    other = WindowRunner(FakeClassifier(), 3)
    other.note_known([window(0, 7)], row)
    assert np.array_equal(other.rows([window(1, 7)]), row)
    assert other.num_repeated == 1
    assert not np.array_equal(other.rows([window(2, 60)]), row)
    assert other.num_repeated == 1


@pytest.mark.slow
def test_rows_do_not_depend_on_the_batch_on_openvino(demo):
    rng = np.random.default_rng(1)
    clips = rng.integers(0, 255, (8, 16, 96, 96, 3), np.uint8)
    alone = np.concatenate([demo.logits(clip[None]) for clip in clips])
    assert demo.info.rows_stand_alone
    for size in (2, 3, 5, 8):
        rows = [demo.logits(clips[k : k + size]) for k in range(0, 8, size)]
        # Equal to the bit with AVX2, where it was measured; documents round to six decimals.
        assert np.abs(np.concatenate(rows) - alone).max() <= 1e-6
