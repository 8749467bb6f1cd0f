"""Clips as they might have been, too: another light, another side, a little nearer.

Nothing here can lose the person: at least four fifths of either side of the picture stay, where
the usual recipe's crops keep a third, and took people out of the picture in footage from fixed
cameras (https://github.com/MCG-NJU/VideoMAE/issues/129).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

LEAST_SIDE = 0.8
"""Of a picture's side that a crop keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """What may happen to a clip."""

    flip: bool = True
    """Left and right may be exchanged; not where labels tell them apart."""

    mixup: float = 0.8
    """How clips are mixed in pairs, the parameter of a Beta distribution; 0 for not at all.
    Source: Zhang et al. 2018, mixup (arXiv 1710.09412)."""

    smoothing: float = 0.1
    """Of a target, how much is spread over all classes."""


def augment(clips: torch.Tensor, rng: np.random.Generator, how: Augmentation) -> torch.Tensor:
    """Change each clip in one way for all of its frames.

    Args:
        clips: `(B, T, S, S, 3)` uint8.
        rng: Of the step.
        how: What may happen.

    Returns:
        `(B, T, S, S, 3)` float32 in 0 to 255.
    """
    return torch.stack([_augment_one(clip, rng, how) for clip in clips])


def _augment_one(clip: torch.Tensor, rng: np.random.Generator, how: Augmentation) -> torch.Tensor:
    side = int(clip.shape[1])
    kept = round(side * rng.uniform(LEAST_SIDE, 1))
    top, left = rng.integers(0, side - kept + 1, 2)
    frames = clip[:, top : top + kept, left : left + kept].permute(0, 3, 1, 2).float()
    if kept != side:
        frames = functional.interpolate(
            frames, size=(side, side), mode="bilinear", align_corners=False
        )
    if how.flip and rng.random() < 0.5:
        frames = frames.flip(-1)
    contrast, light = rng.uniform(0.8, 1.2), rng.uniform(-20, 20)
    frames = ((frames - 127.5) * contrast + 127.5 + light).clamp(0, 255)
    return frames.permute(0, 2, 3, 1)


def mix(
    clips: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator, how: Augmentation
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each clip with another one of its batch, and the targets as well.

    Args:
        clips: `(B, T, S, S, 3)` float32.
        targets: `(B, C)` float32, one-hot.
        rng: Of the step.
        how: What may happen.
    """
    num_classes = targets.shape[1]
    targets = targets * (1 - how.smoothing) + how.smoothing / num_classes
    if how.mixup <= 0 or len(clips) < 2:
        return clips, targets
    share = float(rng.beta(how.mixup, how.mixup))
    share = max(share, 1 - share)
    other = torch.from_numpy(rng.permutation(len(clips)))
    return (
        clips * share + clips[other] * (1 - share),
        targets * share + targets[other] * (1 - share),
    )
