"""From an upright picture to model pixels, as the model's own preprocessor config says.

Owns the reading of `preprocessor_config.json` and its relatives, and the two ways of
following it: with torch (bit-equal to the reference video processors) and with Pillow
(at most one level in 255 away, for engines that must not import torch). Geometry is done
on uint8; `level_affine` is what is left to do inside an engine. Knows neither videos nor
models.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vidtag.frames import Image

Channels = tuple[float, float, float]

PREPARATION_VERSION = 2
"""Raised whenever the same picture would be prepared to other bytes; scores of before are then
left alone."""

_BILINEAR = 2
"""PIL's number for it, which the JSON files carry. Source: PIL.Image.Resampling."""

_IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
_IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
_HALF: Channels = (0.5, 0.5, 0.5)


class PreprocessorError(ValueError):
    """The preprocessor config is missing or asks for something that cannot be followed."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        """`missing_preprocessor` or `bad_preprocessor`."""


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

    def __post_init__(self) -> None:
        if self.shortest_edge is not None and self.exact_size is not None:
            raise ValueError("either shortest_edge or exact_size, not both")
        if not all(value > 0 for value in self.std):
            raise ValueError(f"std must be positive, not {self.std}")

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Give the size after resizing, before the crop.

        Source: `get_resize_output_image_size` in transformers' image_transforms.py: the
        longer edge is rounded down.
        """
        if self.exact_size is not None:
            return self.exact_size
        if self.shortest_edge is None:
            return height, width
        edge = self.shortest_edge
        if width <= height:
            return int(edge * height / width), edge
        return edge, int(edge * width / height)

    def level_affine(self) -> tuple[Channels, Channels]:
        """Give (mean, std) in levels of 0 to 255, so that `(x - mean) / std` does all the rest.

        With `y = (x * factor + offset - mean) / std`, this is the same line with the factor
        taken out, as the reference processors do it.
        """
        factor = 1.0 if self.rescale_factor is None else self.rescale_factor
        mean = tuple((m - self.offset) * (1.0 / factor) for m in self.mean)
        std = tuple(s * (1.0 / factor) for s in self.std)
        return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def read_preprocessing(folder: Path, architecture: str) -> Preprocessing:
    """Read what a model folder says about its pictures.

    Args:
        folder: the model's files, in the hub's format.
        architecture: `model_type` of the model's config.

    Raises:
        PreprocessorError: where there is no such file, or it cannot be followed.
    """
    values = _find_config(folder)
    if values is None:
        raise PreprocessorError(
            "missing_preprocessor",
            "it has no preprocessor_config.json, so nobody knows how its pictures are scaled",
        )
    return parse_preprocessing(values, architecture)


def _find_config(folder: Path) -> Mapping[str, Any] | None:
    """Look where transformers looks. Source: video_processing_utils.py, transformers 5.23."""
    nested = _read_json(folder / "processor_config.json")
    if nested is not None:
        for key in ("video_processor", "image_processor"):
            if isinstance(nested.get(key), dict):
                values: Mapping[str, Any] = nested[key]
                return values
    for name in ("video_preprocessor_config.json", "preprocessor_config.json"):
        values_or_none = _read_json(folder / name)
        if values_or_none is not None:
            return values_or_none
    return None


def _read_json(path: Path) -> Mapping[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise PreprocessorError("bad_preprocessor", f"{path.name} cannot be read: {exc}") from exc
    try:
        values = json.loads(text)
    except json.JSONDecodeError as exc:
        raise PreprocessorError("bad_preprocessor", f"{path.name} is no JSON: {exc}") from exc
    if not isinstance(values, dict):
        raise PreprocessorError("bad_preprocessor", f"{path.name} is no JSON object")
    return values


def parse_preprocessing(values: Mapping[str, Any], architecture: str) -> Preprocessing:
    """Turn the JSON object into a checked `Preprocessing`.

    What a file leaves out gets the default of the architecture's own processor class in
    transformers 5.23.
    """
    try:
        return _parse(values, architecture)
    except (TypeError, ValueError, KeyError, OverflowError) as exc:
        if isinstance(exc, PreprocessorError):
            raise
        raise PreprocessorError(
            "bad_preprocessor", f"its preprocessor config is odd: {exc}"
        ) from exc


def _parse(values: Mapping[str, Any], architecture: str) -> Preprocessing:
    vivit, vjepa2 = architecture == "vivit", architecture == "vjepa2"
    imagenet = architecture in ("timesformer", "vjepa2")
    resample = values.get("resample", _BILINEAR)
    do_resize = values.get("do_resize", True)
    if do_resize and resample not in (_BILINEAR, None):
        raise PreprocessorError(
            "bad_preprocessor", f"it resizes with PIL filter {resample}; vidtag knows bilinear (2)"
        )
    crop_height, crop_width = _square(values.get("crop_size"), 256 if vjepa2 else 224)
    crop = bool(values.get("do_center_crop", True))
    shortest_edge: int | None = None
    exact_size: tuple[int, int] | None = None
    if do_resize:
        if vjepa2:
            # VJEPA2VideoProcessor forces it, whatever the file says.
            shortest_edge = int(crop_height * 256 / 224)
        else:
            shortest_edge, exact_size = _target(values.get("size"), 256 if vivit else 224)
    if not crop:
        if exact_size is None:
            raise PreprocessorError(
                "bad_preprocessor", "it neither crops nor resizes to one size (do_center_crop)"
            )
        crop_height, crop_width = exact_size
    if crop_height != crop_width:
        raise PreprocessorError(
            "bad_preprocessor", f"its pictures are {crop_width}x{crop_height}; vidtag needs squares"
        )
    rescale = bool(values.get("do_rescale", True))
    normalize = bool(values.get("do_normalize", True))
    factor = float(values.get("rescale_factor") or (1 / 127.5 if vivit else 1 / 255))
    mean = _channels(values.get("image_mean"), _IMAGENET_MEAN if imagenet else _HALF)
    std = _channels(values.get("image_std"), _IMAGENET_STD if imagenet else _HALF)
    return Preprocessing(
        shortest_edge=shortest_edge,
        exact_size=exact_size,
        image_size=crop_height,
        crop=crop,
        rescale_factor=factor if rescale else None,
        offset=-1.0 if vivit and rescale and values.get("offset", True) else 0.0,
        mean=mean if normalize else (0.0, 0.0, 0.0),
        std=std if normalize else (1.0, 1.0, 1.0),
    )


def _square(value: object, default: int) -> tuple[int, int]:
    """Read a crop size: an int, or height and width."""
    if value is None:
        return default, default
    if isinstance(value, dict):
        return _pixels(value["height"]), _pixels(value["width"])
    return _pixels(value), _pixels(value)


def _target(value: object, default: int) -> tuple[int | None, tuple[int, int] | None]:
    """Read a size: an int or shortest_edge, or height and width."""
    if value is None:
        return default, None
    if isinstance(value, dict):
        if value.get("longest_edge"):
            raise PreprocessorError("bad_preprocessor", "it limits the longest edge (size)")
        if "shortest_edge" in value:
            return _pixels(value["shortest_edge"]), None
        return None, (_pixels(value["height"]), _pixels(value["width"]))
    return _pixels(value), None


def _pixels(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 4096:
        raise ValueError(f"{value!r} is no size in pixels")
    return value


def _channels(value: object, default: Channels) -> Channels:
    if value is None:
        return default
    if isinstance(value, int | float):
        return float(value), float(value), float(value)
    if isinstance(value, list) and len(value) == 3:
        return float(value[0]), float(value[1]), float(value[2])
    raise ValueError(f"{value!r} is not one number for each of three channels")


def _checked(image: Image) -> tuple[int, int]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    return image.shape[0], image.shape[1]


def prepare_with_pillow(image: Image, preprocessing: Preprocessing) -> Image:
    """Resize and crop one picture, at most one level in 255 from `prepare_with_torch`.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        preprocessing: what the model wants.

    Returns:
        `(image_size, image_size, 3)` uint8 RGB.
    """
    import PIL.Image

    height, width = _checked(image)
    new_height, new_width = preprocessing.resized(height, width)
    if (new_height, new_width) == (height, width):
        return _centre(image, preprocessing)
    size = preprocessing.image_size
    box = None
    if preprocessing.crop and size < new_width < width / 2:
        # The sides of a wide picture are cut off, so they need not be resized: 9.2 -> 5.6 ms for
        # 1080p. Pillow takes the box in float32, so a value in thousands is rounded otherwise.
        left, scale = (new_width - size) // 2, width / new_width
        box = (left * scale, 0, (left + size) * scale, height)
        new_width = size
    picture = PIL.Image.fromarray(image)
    resized = picture.resize((new_width, new_height), PIL.Image.Resampling.BILINEAR, box)
    return _centre(np.asarray(resized), preprocessing)


def prepare_with_torch(image: Image, preprocessing: Preprocessing) -> Image:
    """Resize and crop one picture with torch, bit-equal to the reference video processors.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        preprocessing: what the model wants.

    Returns:
        `(image_size, image_size, 3)` uint8 RGB.
    """
    import torch

    height, width = _checked(image)
    new_height, new_width = preprocessing.resized(height, width)
    if (new_height, new_width) == (height, width):
        return _centre(image, preprocessing)
    if not image.flags.writeable or not image.flags.c_contiguous:
        image = image.copy()  # torch takes neither read-only nor backwards arrays
    pixels = torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0)
    resized = torch.nn.functional.interpolate(
        pixels, (new_height, new_width), mode="bilinear", align_corners=False, antialias=True
    )
    return _centre(resized[0].permute(1, 2, 0).numpy(), preprocessing)


def _centre(image: npt.NDArray[np.uint8], preprocessing: Preprocessing) -> Image:
    """Cut out the centre; where the picture is smaller, pad with black.

    Source: `center_crop` in transformers' image_processing_backends.py.
    """
    size = preprocessing.image_size
    if preprocessing.crop:
        height, width = image.shape[:2]
        missing_height, missing_width = max(0, size - height), max(0, size - width)
        if missing_height or missing_width:
            image = np.pad(
                image,
                (
                    (missing_height // 2, (missing_height + 1) // 2),
                    (missing_width // 2, (missing_width + 1) // 2),
                    (0, 0),
                ),
            )
            height, width = image.shape[:2]
        top, left = (height - size) // 2, (width - size) // 2
        image = image[top : top + size, left : left + size]
    return np.ascontiguousarray(image)
