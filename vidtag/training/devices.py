"""Where a training runs, in what it computes, and how much goes through the model at once."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vidtag.errors import ModelOptionError
from vidtag.models.device import choose
from vidtag.models.options import LoadOptions
from vidtag.models.refusals import wrong_option

_PER_PASS = 1 << 22
"""Pixels of all frames that go through the model at once: five clips of 16 frames of 224 by 224.
What an update takes is put together from so many."""


def training_device(load: LoadOptions) -> torch.device:
    """Settle where a training runs.

    Raises:
        ModelError: The device is unknown or not there, or has no bf16 of its own, which torch would
            imitate: a step of VideoMAE-base then takes many times what it takes in fp32.
    """
    plan = choose(load.name, device=load.device, engine="torch", precision="auto")
    if load.precision == "bf16":
        try:
            choose(load.name, device=plan.device, engine="torch", precision="bf16")
        except ModelOptionError as exc:
            what = "this CPU" if plan.device == "cpu" else plan.device
            raise wrong_option(
                load.name,
                "bad_precision",
                f"{what} does not compute in bf16, so training in it would be slower, not "
                "faster; use --precision fp32",
            ) from exc
    return torch.device(plan.device)


def autocast(load: LoadOptions, device: torch.device) -> AbstractContextManager[Any]:
    """Compute in 16 bits where that was asked for; weights and updates stay in 32."""
    if load.precision != "bf16":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def num_passes(clips: npt.NDArray[np.uint8], batch_size: int) -> int:
    """Say in how many passes the clips of an update go through the model.

    Two at once at the least, which can be mixed.

    >>> clips = np.zeros((1, 16, 224, 224, 3), np.uint8)
    >>> num_passes(clips, 16), num_passes(clips, 1), num_passes(clips[:, :, :32, :32], 16)
    (4, 1, 1)

    Args:
        clips: `(N, T, S, S, 3)` uint8.
        batch_size: Clips of an update.
    """
    most = max(2, _PER_PASS // int(np.prod(clips.shape[1:4])))
    return -(-batch_size // most)
