"""From an upright picture to model pixels, as the model's own preprocessor config says.

Owns the two ways of following it: with torch (bit-equal to the reference video processors) and
without (at most one level in 255 away, for engines that must not import torch). Geometry is
done on uint8; `level_affine` is what is left to do inside an engine. Knows neither videos nor
models; what the config says is read in `processors`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vidtag.clips.resampling import as_torch, nearest
from vidtag.video.frames import Image

Channels = tuple[float, float, float]

Filter = Literal["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
"""How pixels are resampled, by Pillow's names."""

PREPARATION_VERSION = 3
"""Raised whenever the same picture would be prepared to other bytes; scores of before are then
left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """What a model's preprocessor config asks for, checked."""

    shortest_edge: int | None
    """Resize so that the shorter edge has so many pixels; the aspect ratio stays."""

    exact_size: tuple[int, int] | None
    """Resize to exactly (height, width), whatever the aspect ratio."""

    image_size: int
    """Height and width of a prepared picture: of the centre crop, or of `exact_size`."""

    crop: bool
    """Whether the centre is cut out (and smaller pictures are padded with black)."""

    rescale_factor: float | None
    """Pixels are multiplied by this first; `None` leaves them at 0 to 255."""

    offset: float
    """Added after rescaling: -1 for ViViT, else 0."""

    mean: Channels
    """Subtracted from each channel after rescaling."""

    std: Channels
    """Each channel is divided by this at the end."""

    longest_edge: int | None = None
    """With `shortest_edge`: what the longer edge must not exceed."""

    resample: Filter = "bilinear"
    """How it is resized."""

    pads_up: bool = False
    """Whether the larger half of an odd margin of black comes first and not last."""

    def __post_init__(self) -> None:
        if self.shortest_edge is not None and self.exact_size is not None:
            raise ValueError("either shortest_edge or exact_size, not both")
        if not all(value > 0 for value in self.std):
            raise ValueError(f"std must be positive, not {self.std}")

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Give the size after resizing, before the crop.

        Source: `get_resize_output_image_size` and, with a limit for the longer edge,
        `get_size_with_aspect_ratio` in transformers' image_transforms.py: the longer edge is
        rounded down.
        """
        if self.exact_size is not None:
            return self.exact_size
        if self.shortest_edge is None:
            return height, width
        edge = float(self.shortest_edge)
        short, long = sorted((height, width))
        if self.longest_edge is not None and long / short * edge > self.longest_edge:
            edge = self.longest_edge * short / long
        shorter = max(1, round(edge))
        if self.longest_edge is not None and short == shorter:
            return height, width
        longer = int(edge * long / short)
        return (longer, shorter) if width <= height else (shorter, longer)

    def level_affine(self) -> tuple[Channels, Channels]:
        """Give (mean, std) in levels of 0 to 255, so that `(x - mean) / std` does all the rest.

        With `y = (x * factor + offset - mean) / std`, this is the same line with the factor
        taken out, as the reference processors do it.
        """
        factor = 1.0 if self.rescale_factor is None else self.rescale_factor
        mean = tuple((m - self.offset) * (1.0 / factor) for m in self.mean)
        std = tuple(s * (1.0 / factor) for s in self.std)
        return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def _checked(image: Image) -> tuple[int, int]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    return image.shape[0], image.shape[1]


def prepare_with_pillow(image: Image, preprocessing: Preprocessing) -> Image:
    """Resize and crop one picture, at most one level in 255 from `prepare_with_torch`.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        preprocessing: What the model wants.

    Returns:
        `(image_size, image_size, 3)` uint8 RGB.
    """
    import PIL.Image

    height, width = _checked(image)
    new_height, new_width = preprocessing.resized(height, width)
    if (new_height, new_width) == (height, width):
        return _centre(image, preprocessing)
    if preprocessing.resample == "nearest":
        return _centre(nearest(image, new_height, new_width), preprocessing)
    overshoots = preprocessing.resample in ("bicubic", "lanczos")
    if overshoots and (3 * new_height > 2 * height or 3 * new_width > 2 * width):
        resized = as_torch(image, new_height, new_width, preprocessing.resample)
        return _centre(resized, preprocessing)
    size = preprocessing.image_size
    box = None
    if preprocessing.crop and size < new_width < width / 2:
        # The sides of a wide picture are cut off, so they need not be resized: 9.2 -> 5.6 ms for
        # 1080p. Pillow takes the box in float32, so a value in thousands is rounded otherwise.
        left, scale = (new_width - size) // 2, width / new_width
        box = (left * scale, 0, (left + size) * scale, height)
        new_width = size
    picture = PIL.Image.fromarray(image)
    resample = PIL.Image.Resampling[preprocessing.resample.upper()]
    if overshoots:
        # What is cut off between the two directions depends on their order. Torch goes along the
        # rows first; Pillow goes where it is cheaper, and ends up twenty levels away.
        picture, box = picture.resize((new_width, height), resample, box), None
    return _centre(
        np.asarray(picture.resize((new_width, new_height), resample, box)), preprocessing
    )


def prepare_with_torch(image: Image, preprocessing: Preprocessing) -> Image:
    """Resize and crop one picture with torch, bit-equal to the reference video processors.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        preprocessing: What the model wants.

    Returns:
        `(image_size, image_size, 3)` uint8 RGB.
    """
    if preprocessing.resample in ("box", "hamming"):
        return prepare_with_pillow(image, preprocessing)  # torch has no such filter

    import torch

    height, width = _checked(image)
    new_height, new_width = preprocessing.resized(height, width)
    if (new_height, new_width) == (height, width):
        return _centre(image, preprocessing)
    if not image.flags.writeable or not image.flags.c_contiguous:
        image = image.copy()  # torch takes neither read-only nor backwards arrays
    pixels = torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0)
    if preprocessing.resample == "nearest":
        resized = torch.nn.functional.interpolate(
            pixels, (new_height, new_width), mode="nearest-exact"
        )
    else:
        resized = torch.nn.functional.interpolate(
            pixels,
            (new_height, new_width),
            mode=preprocessing.resample,
            align_corners=False,
            antialias=True,
        )
    return _centre(resized[0].permute(1, 2, 0).numpy(), preprocessing)


def _centre(image: npt.NDArray[np.uint8], preprocessing: Preprocessing) -> Image:
    """Cut out the centre; where the picture is smaller, pad with black.

    Source: `center_crop` in transformers' image_processing_backends.py, and for `pads_up` the one
    in image_transforms.py.
    """
    size = preprocessing.image_size
    if preprocessing.crop:
        height, width = image.shape[:2]
        missing_height, missing_width = max(0, size - height), max(0, size - width)
        if missing_height or missing_width:
            first = 1 if preprocessing.pads_up else 0
            top, left = (missing_height + first) // 2, (missing_width + first) // 2
            image = np.pad(
                image, ((top, missing_height - top), (left, missing_width - left), (0, 0))
            )
            height, width = image.shape[:2]
        top, left = (height - size) // 2, (width - size) // 2
        image = image[top : top + size, left : left + size]
    return np.ascontiguousarray(image)
