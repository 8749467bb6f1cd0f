"""Clips to learn from and clips to be judged by.

Every clip is drawn from its split's name and its own number, so a split is the same whoever
renders it, in whatever order, and no split shares a body, a look, a place or a performance with
another. Frames are taken as a tagger takes them from a video: at 8 samples a second the frame
that is on the screen, from videos of many frame rates.
"""

import dataclasses
import multiprocessing
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from figures.actions import CLASSES, EMPTY, LABELS
from figures.body import TRACKED_JOINTS
from figures.casting import Script, sample_shot
from figures.rendering import RenderedClip, render_clip
from figures.scenery import PLACES
from figures.shots import Shot
from vidtag.clips.preparing import prepare_with_torch
from vidtag.clips.processors import parse_preprocessing

IMAGE_SIZE = 96
"""Edge of the model's pictures: as the prototype, 36 patches of 16 pixels."""
NUM_FRAMES = 16
SAMPLES_PER_SECOND = 8
"""16 frames over 2 s: the rate at which Kinetics models are trained (every 4th frame of 30/s)."""
WINDOW_SECONDS = NUM_FRAMES / SAMPLES_PER_SECOND
FRAME_RATES = (12.0, 15.0, 20.0, 24.0, 24000 / 1001, 25.0, 30.0, 30000 / 1001, 48.0, 50.0, 60.0)
SETTING_SIZE = 9
OUT_OF_SIGHT = -500.0
"""Where the joints of nobody are, in pixels."""
STRADDLING_SHARE = 0.22
"""How many training clips show the change from one action to another."""

Rng = np.random.Generator


def split_rng(split: str, index: int, seed: int = 0) -> Rng:
    """Return the generator of one clip of a split ("train", "validation", "test" …)."""
    return np.random.default_rng([zlib.crc32(split.encode()), index, seed])


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One clip as the model sees it, with what it shows."""

    frames: npt.NDArray[np.uint8]
    """(16, 96, 96, 3) RGB."""
    joints: npt.NDArray[np.float32]
    """(16, 13, 2) x and y in pixels."""
    labels: tuple[int, int]
    """Indices in `CLASSES` of the first and the second action; equal when there is one."""
    first_share: float
    """Share of the samples that show the first."""
    setting: npt.NDArray[np.float32]
    """(9,) what `describe_setting` returns."""


def on_screen_times(rng: Rng, num_samples: int) -> npt.NDArray[np.float64]:
    """Return when the frames were taken that a tagger would pick from some video.

    Samples lie at the middles of eighths of a second; the frame shown at that time was taken up
    to a frame earlier. A tenth of the videos has an irregular rate.

    Args:
        rng: draws the video's frame rate and where its first frame lies.
        num_samples: how many.

    Returns:
        (num_samples,) seconds, not descending.
    """
    rate, phase = float(rng.choice(FRAME_RATES)), rng.random()
    samples = (np.arange(num_samples) + 0.5) / SAMPLES_PER_SECOND
    times = (np.floor(samples * rate + phase) - phase) / rate
    if rng.random() < 0.1:
        times = times - rng.uniform(0, 0.03, num_samples)
    return times


PROCESSOR: dict[str, Any] = {
    "image_processor_type": "VideoMAEImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": IMAGE_SIZE},
    "resample": 2,
    "do_center_crop": True,
    "crop_size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    # ImageNet's, as in the preprocessor configurations of all published VideoMAE models.
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
"""The preprocessor configuration that is shipped with the model."""
PREPROCESSING = parse_preprocessing(PROCESSOR, "VideoMAEImageProcessor")


def fit_to_model(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Resize the shorter edge to 96 and cut out the middle, as vidtag does.

    Args:
        frames: (T, H, W, 3) uint8.

    Returns:
        (T, 96, 96, 3) uint8.
    """
    return np.stack([prepare_with_torch(frame, PREPROCESSING) for frame in frames])


def make_single(rng: Rng, label: str) -> Example:
    """Draw and render one clip of one action, or of a place without anybody."""
    shot = sample_shot(rng, Script(labels=(label,), size=_picture_size(rng)))
    shot = dataclasses.replace(shot, empty=label == EMPTY)
    return _example(shot, 1.0 + on_screen_times(rng, NUM_FRAMES))


def make_straddling(rng: Rng, label: str) -> Example:
    """Draw and render a clip in which an action gives way to another one."""
    others = [other for other in LABELS if other != label]
    pair = (label, str(rng.choice(others)))
    change = 1.0 + WINDOW_SECONDS * rng.uniform(0.08, 0.92)
    shot = sample_shot(
        rng, Script(labels=pair, changes=(change,), size=_picture_size(rng), steady=True)
    )
    return _example(shot, 1.0 + on_screen_times(rng, NUM_FRAMES))


def make_training_example(index: int, seed: int) -> Example:
    """Render clip number `index` of the training split; labels take turns."""
    rng = split_rng("train", index, seed)
    label = LABELS[index % len(LABELS)]
    if rng.random() < STRADDLING_SHARE:
        return make_straddling(rng, label)
    return make_single(rng, label)


def make_validation_example(index: int, seed: int) -> Example:
    """Render clip number `index` of the validation split: one action each."""
    return make_single(split_rng("validation", index, seed), LABELS[index % len(LABELS)])


def make_test_example(index: int, seed: int) -> Example:
    """Render clip number `index` of the test split: one action each."""
    return make_single(split_rng("test", index, seed), LABELS[index % len(LABELS)])


def _picture_size(rng: Rng) -> tuple[int, int]:
    """Draw a size to render at: often the model's own, else larger and then scaled down."""
    edge = IMAGE_SIZE if rng.random() < 0.55 else int(rng.integers(IMAGE_SIZE + 8, 200))
    return edge, edge


def _example(shot: Shot, times: npt.NDArray[np.float64]) -> Example:
    clip: RenderedClip = render_clip(shot, times)
    labels = [CLASSES.index(take.label) for take in shot.takes]
    joints = clip.joints * np.float32(IMAGE_SIZE / min(shot.size))
    if shot.empty:
        joints = np.full_like(joints, OUT_OF_SIGHT)
    first_share = float((times < shot.takes[0].end_seconds).mean())
    return Example(
        frames=fit_to_model(clip.frames),
        joints=joints,
        labels=(labels[0], labels[-1]),
        first_share=first_share,
        setting=describe_setting(shot),
    )


def describe_setting(shot: Shot) -> npt.NDArray[np.float32]:
    """Return what can be said of a shot besides the action.

    Returns:
        (9,): index of the place, red, green and blue of shirt and trousers (0 to 1), whether
        the trousers are short, whether the hair is long.
    """
    look = shot.look
    place = list(PLACES).index(shot.place)
    return np.array([place, *look.shirt, *look.trousers, look.shorts, look.long_hair], np.float32)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A longer video of several actions, sampled for the model."""

    samples: npt.NDArray[np.uint8]
    """(8 · seconds rounded up, 96, 96, 3): the frame on the screen at every sample time."""
    truth: tuple[tuple[float, float, int], ...]
    """(start, end, label index) of every action in seconds."""


def make_sequence(split: str, index: int, *, whole_seconds: bool, seed: int) -> Sequence:
    """Draw and render about 20 seconds of five actions by one figure in one place.

    Args:
        split: name of the split.
        index: number within it.
        whole_seconds: whether actions change at whole seconds, so that each second shows one.
        seed: of the whole run.

    Returns:
        The sequence.
    """
    rng = split_rng(f"{split} sequence", index, seed)
    chosen = [str(label) for label in rng.choice(LABELS, 5, replace=False)]
    lengths = rng.uniform(3, 6, 5)
    lengths = np.maximum(np.round(lengths), 3) if whole_seconds else lengths
    ends = np.cumsum(lengths)
    num_samples = int(np.ceil(ends[-1] * SAMPLES_PER_SECOND))
    landscape = (round(IMAGE_SIZE * 16 / 9 * 1.25), round(IMAGE_SIZE * 1.25))
    size = landscape if rng.random() < 0.7 else landscape[::-1]
    shot = sample_shot(
        rng, Script(labels=tuple(chosen), changes=tuple(ends[:-1]), size=size, steady=True)
    )
    clip = render_clip(shot, np.maximum(on_screen_times(rng, num_samples), 0))
    starts = (0.0, *ends[:-1])
    truth = tuple(
        (float(start), float(end), LABELS.index(label))
        for start, end, label in zip(starts, ends, chosen, strict=True)
    )
    return Sequence(fit_to_model(clip.frames), truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Rendered examples, mapped from files so that they need not fit into memory."""

    frames: npt.NDArray[np.uint8]
    """(N, 16, 96, 96, 3)."""
    joints: npt.NDArray[np.float16]
    """(N, 16, 13, 2) pixels."""
    labels: npt.NDArray[np.int64]
    """(N, 2)."""
    first_share: npt.NDArray[np.float32]
    """(N,)."""
    settings: npt.NDArray[np.float32]
    """(N, 9)."""

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)


Maker = Callable[[int, int], Example]


def render_pool(folder: Path, maker: Maker, count: int, seed: int) -> Iterator[int]:
    """Render examples into a folder, on every core; do nothing if just these are there.

    Args:
        folder: receives an .npy file for each of an example's fields.
        maker: makes example number i with a seed.
        count: how many.
        seed: of the whole run.

    Yields:
        The number of examples rendered so far.
    """
    done, wanted = folder / "done", f"{count} clips of seed {seed}"
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    done.unlink(missing_ok=True)
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "frames": ((NUM_FRAMES, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8),
        "joints": ((NUM_FRAMES, len(TRACKED_JOINTS), 2), np.float16),
        "labels": ((2,), np.int64),
        "first_share": ((), np.float32),
        "setting": ((SETTING_SIZE,), np.float32),
    }
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (count, *shape))
        for name, (shape, dtype) in shapes.items()
    }
    with multiprocessing.get_context("fork").Pool(
        initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        jobs = [(maker, index, seed) for index in range(count)]
        for index, example in enumerate(pool.imap(_make, jobs, chunksize=16)):
            for name, array in arrays.items():
                array[index] = getattr(example, name)
            yield index + 1
    for array in arrays.values():
        array.flush()
    done.write_text(wanted, encoding="utf-8")


def _make(job: tuple[Maker, int, int]) -> Example:
    maker, index, seed = job
    return maker(index, seed)


def open_pool(folder: Path) -> Pool:
    """Map the examples that `render_pool` left in a folder."""
    frames, joints, labels, first_share, settings = (
        np.load(folder / f"{name}.npy", mmap_mode="r")
        for name in ("frames", "joints", "labels", "first_share", "setting")
    )
    return Pool(
        frames=frames,
        joints=joints,
        labels=np.asarray(labels),
        first_share=np.asarray(first_share),
        settings=np.asarray(settings),
    )
