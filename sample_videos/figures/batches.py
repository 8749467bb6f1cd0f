"""What one training step sees: which clips, how varied, and the answers to both tasks."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from figures.body import TRACKED_JOINTS
from figures.dataset import IMAGE_SIZE, NUM_FRAMES, PREPROCESSING, Pool

PATCH, TUBELET = 16, 2
GRID, SLICES = IMAGE_SIZE // PATCH, NUM_FRAMES // TUBELET
IMAGE_MEAN, IMAGE_STD = PREPROCESSING.mean, PREPROCESSING.std
JOINT_KINDS = sorted({name.rstrip("01") for name in TRACKED_JOINTS})
KIND_OF_JOINT = np.array([JOINT_KINDS.index(name.rstrip("01")) for name in TRACKED_JOINTS])
SHIFT_PIXELS = 8
"""Furthest that a clip is shifted, half a patch: as the prototype."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The schedule, in steps: it does not depend on how fast the machine is."""

    steps: int
    batch_size: int = 32
    warm_up_steps: int = 100
    decay_share: float = 0.45
    """Last part of the steps, in which the learning rate falls."""
    final_rate: float = 0.0
    """Share of the learning rate at which the fall ends."""
    knee: tuple[float, float] | None = None
    """Where the fall becomes gentler: share of the steps, and of the learning rate there."""
    adam_rate: float = 6e-4
    muon_rate: float = 1.8e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    frozen_frames: bool = False
    """Whether every frame of a clip is replaced by its middle one: the control."""
    seed: int = 0


def normalise(frames: npt.NDArray[np.uint8]) -> Tensor:
    """Turn (B, T, H, W, 3) uint8 into (B, T, 3, H, W) float32 as the model expects it."""
    pixels = torch.tensor(frames).permute(0, 1, 4, 2, 3).float()
    mean, std = (torch.tensor(v).view(1, 1, 3, 1, 1) for v in (IMAGE_MEAN, IMAGE_STD))
    return (pixels / 255 - mean) / std


def joint_targets(joints: npt.NDArray[np.float32]) -> Tensor:
    """Tell for every token which joints it holds.

    Args:
        joints: (B, 16, 13, 2) pixels.

    Returns:
        (B, tokens, kinds of joints, 5): presence, offset from the patch's middle (x, y) in
        patches, velocity (x, y) in quarters of a patch per frame.
    """
    batch = len(joints)
    pairs = joints.reshape(batch, SLICES, TUBELET, len(TRACKED_JOINTS), 2)
    place, velocity = pairs.mean(2) / PATCH, (pairs[:, :, -1] - pairs[:, :, 0]) / 4
    cell = np.floor(place).astype(int)
    inside = ((cell >= 0) & (cell < GRID)).all(-1)
    b, t, j = np.nonzero(inside)
    x, y = cell[b, t, j].T
    targets = np.zeros((batch, SLICES, GRID, GRID, len(JOINT_KINDS), 5), np.float32)
    kind = KIND_OF_JOINT[j]
    targets[b, t, y, x, kind, 0] = 1
    targets[b, t, y, x, kind, 1:3] = place[b, t, j] - cell[b, t, j] - 0.5
    targets[b, t, y, x, kind, 3:5] = np.clip(velocity[b, t, j], -3, 3)
    return torch.from_numpy(targets.reshape(batch, -1, len(JOINT_KINDS), 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One step's clips and answers."""

    pixels: Tensor
    """(B, 16, 3, 96, 96) float32, normalised."""
    joints: Tensor
    """What `joint_targets` returns."""
    labels: Tensor
    """(B, 2) indices."""
    first_share: Tensor
    """(B,) weight of the first label."""


def make_batch(pool: Pool, recipe: Recipe, step: int) -> Batch:
    """Choose and vary the clips of one step; depends on nothing but the arguments."""
    indices = np.sort(step_indices(len(pool), recipe, step))
    rng = np.random.default_rng([recipe.seed, 1, step])
    frames, joints = pool.frames[indices], pool.joints[indices].astype(np.float32)
    varied = np.empty((len(indices), NUM_FRAMES, 3, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for i, clip in enumerate(frames):
        vary(rng, clip, joints[i], varied[i])
    if recipe.frozen_frames:
        middle = NUM_FRAMES // 2
        varied = np.repeat(varied[:, middle : middle + 1], NUM_FRAMES, 1)
        joints = np.repeat(joints[:, middle : middle + 1], NUM_FRAMES, 1)
    return Batch(
        pixels=relight(torch.from_numpy(varied), draw_light(rng, len(indices))),
        joints=joint_targets(joints),
        labels=torch.from_numpy(pool.labels[indices]),
        first_share=torch.from_numpy(pool.first_share[indices]),
    )


def step_indices(count: int, recipe: Recipe, step: int) -> npt.NDArray[np.int64]:
    """Return the clips of a step: every epoch goes through all of them in a new order."""
    first = step * recipe.batch_size
    chosen = []
    for place in range(first, first + recipe.batch_size):
        epoch, offset = divmod(place, count)
        chosen.append(_epoch_order(count, recipe.seed, epoch)[offset])
    return np.array(chosen)


@lru_cache(maxsize=4)
def _epoch_order(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, 2, epoch]).permutation(count)


def vary(
    rng: np.random.Generator,
    clip: npt.NDArray[np.uint8],
    joints: npt.NDArray[np.float32],
    out: npt.NDArray[np.uint8],
) -> npt.NDArray[np.int64]:
    """Flip, shift and recolour one clip into `out` (T, 3, 96, 96); move its joints along.

    Returns:
        (3,) which channel each of the three was taken from.
    """
    if rng.random() < 0.5:
        clip = clip[:, :, ::-1]
        joints[..., 0] = IMAGE_SIZE - 1 - joints[..., 0]
    channels = rng.permutation(3) if rng.random() < 0.5 else np.arange(3)
    dx, dy = (int(v) for v in rng.integers(-SHIFT_PIXELS, SHIFT_PIXELS + 1, 2))
    joints[..., 0] += dx
    joints[..., 1] += dy
    source_y, target_y = _overlap(dy)
    source_x, target_x = _overlap(dx)
    for target, source in enumerate(channels):
        # What the shift leaves free keeps the unshifted picture: any content will do.
        out[:, target] = clip[..., source]
        out[:, target, target_y, target_x] = clip[:, source_y, source_x, source]
    return channels


def _overlap(shift: int) -> tuple[slice, slice]:
    """Return the rows that are read and the rows that are written when shifting."""
    size = IMAGE_SIZE - abs(shift)
    read, written = max(0, -shift), max(0, shift)
    return slice(read, read + size), slice(written, written + size)


@dataclass(frozen=True, slots=True)
class Light:
    """How the colours of each clip are changed: value * gain + offset, for shares 0 to 1."""

    gain: npt.NDArray[np.float64]
    """(B, 3)."""
    offset: npt.NDArray[np.float64]
    """(B, 3)."""


def draw_light(rng: np.random.Generator, batch: int) -> Light:
    """Draw a gain and an offset per channel; turn a few clips into negatives."""
    gain, offset = rng.uniform(0.75, 1.25, (batch, 3)), rng.uniform(-0.12, 0.12, (batch, 3))
    negative = rng.random((batch, 1)) < 0.05
    return Light(np.where(negative, -gain, gain), np.where(negative, 1 - offset, offset))


def relight(pixels: Tensor, light: Light) -> Tensor:
    """Change the colours of (B, T, 3, H, W) bytes and normalise them."""
    gain = light.gain / 255 / IMAGE_STD
    offset = (light.offset - np.array(IMAGE_MEAN)) / IMAGE_STD
    shape = (len(pixels), 1, 3, 1, 1)
    scale, bias = (torch.from_numpy(v.astype(np.float32)).view(shape) for v in (gain, offset))
    return pixels.float().mul_(scale).add_(bias)
