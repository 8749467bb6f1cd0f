"""Resampling as torch does it, without torch, where Pillow differs by more than a level.

Torch rounds and cuts off between the two directions and has weights of 16 bits; Pillow has finer
weights. Of filters that overshoot, such as bicubic and Lanczos, noise comes out two levels apart:
in one of 200,000 values where a picture is enlarged, in one of 600,000 where it shrinks by up to
half, in one of 10 million beyond. Here torch's weights are used in torch's order, and the bytes
are the same. It takes ten times as long as Pillow, which matters little for small pictures.

Source: aten/src/ATen/native/cpu/UpSampleKernel.cpp in torch 2.13.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from vidtag.video.frames import Image

Numbers = npt.NDArray[np.float64]

_BLOCK = 32
"""Outputs per matrix product: so many share most of their inputs."""


def nearest(image: Image, height: int, width: int) -> Image:
    """Take the nearest pixel, as torch's `nearest-exact` rounds it."""

    def sources(length: int, new_length: int) -> npt.NDArray[np.intp]:
        scale = float(np.float32(length) / np.float32(new_length))
        places = ((np.arange(new_length) + 0.5) * scale - 0.5).astype(np.float32)
        rounded: npt.NDArray[np.intp] = np.floor(places + np.float32(0.5)).astype(np.intp)
        return np.minimum(rounded, length - 1, out=rounded)

    rows, columns = sources(image.shape[0], height), sources(image.shape[1], width)
    return image[rows[:, None], columns[None, :]]


def as_torch(image: Image, height: int, width: int, name: str) -> Image:
    """Resize with `bicubic` or `lanczos`, along the rows first.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        height: Of the result.
        width: Of the result.
        name: Of the filter.
    """
    pixels = _along_rows(np.ascontiguousarray(image.transpose(2, 0, 1)), width, name)
    turned = np.ascontiguousarray(pixels.transpose(0, 2, 1))
    return _along_rows(turned, height, name).transpose(2, 1, 0)


def _along_rows(pixels: npt.NDArray[np.uint8], width: int, name: str) -> npt.NDArray[np.uint8]:
    """Resize `(3, H, W)` to `(3, H, width)`."""
    if width == pixels.shape[2]:
        return pixels
    result = np.empty((*pixels.shape[:2], width), np.uint8)
    for block in _blocks(pixels.shape[2], width, name):
        sums = pixels[:, :, block.first : block.last].astype(np.float64) @ block.weights
        levels = np.clip(np.floor(sums + 0.5), 0, 255)  # exact: sums of 2^-22 and more
        result[:, :, block.start : block.stop] = levels
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """Neighbouring outputs, and the inputs that they are made from."""

    start: int
    stop: int
    first: int
    last: int
    weights: Numbers
    """`(last - first, stop - start)`."""


@lru_cache(maxsize=16)
def _blocks(length: int, new_length: int, name: str) -> tuple[_Block, ...]:
    """Compute the weights of one direction, rounded to whole parts of a power of two."""
    radius, kernel = _KERNELS[name]
    scale = length / new_length
    stretch = max(scale, 1.0)
    centres = scale * (np.arange(new_length) + 0.5)
    firsts = np.maximum((centres - radius * stretch + 0.5).astype(int), 0)
    lasts = np.minimum((centres + radius * stretch + 0.5).astype(int), length)
    each: list[Numbers] = []
    for first, last, centre in zip(firsts, lasts, centres, strict=True):
        weights = kernel((np.arange(first, last) - centre + 0.5) * (1.0 / stretch))
        each.append(weights / weights.sum())
    greatest = max(float(weights.max()) for weights in each)
    bits = next((n for n in range(22) if int(0.5 + greatest * 2 ** (n + 1)) >= 1 << 15), 21)
    blocks = []
    for start in range(0, new_length, _BLOCK):
        stop = min(start + _BLOCK, new_length)
        first, last = int(firsts[start]), int(lasts[stop - 1])
        matrix = np.zeros((last - first, stop - start))
        for n in range(start, stop):
            parts = each[n] * 2**bits
            rounded = np.trunc(parts + np.where(parts < 0, -0.5, 0.5))
            matrix[firsts[n] - first : lasts[n] - first, n - start] = rounded / 2**bits
        blocks.append(_Block(start=start, stop=stop, first=first, last=last, weights=matrix))
    return tuple(blocks)


def _bicubic(x: Numbers) -> Numbers:
    x, a = np.abs(x), -0.5
    inner = ((a + 2) * x - (a + 3)) * x * x + 1
    return np.where(x < 1, inner, np.where(x < 2, (((x - 5) * x + 8) * x - 4) * a, 0))


def _lanczos(x: Numbers) -> Numbers:
    result: Numbers = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    return result


_KERNELS: dict[str, tuple[float, Callable[[Numbers], Numbers]]] = {
    "bicubic": (2, _bicubic),
    "lanczos": (3, _lanczos),
}
"""Radius and value of each filter."""
