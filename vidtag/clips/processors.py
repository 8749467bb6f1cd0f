"""What a model folder says about its pictures: which processor class, by which rules.

Owns the reading of `preprocessor_config.json` and its relatives. A file names a class of
transformers, and each class has rules and defaults of its own, which stand in `processor_rules`.
Knows no models: the class for files that name none is told.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidtag.clips.preparing import Channels, Filter, Preprocessing
from vidtag.clips.processor_rules import RULES, ProcessorRules

_FILTERS: tuple[Filter, ...] = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""By the number that the JSON files carry. Source: PIL.Image.Resampling."""

_SIZE_KEYS = (
    {"height", "width"},
    {"shortest_edge"},
    {"shortest_edge", "longest_edge"},
)
"""Source: VALID_SIZE_DICT_KEYS in transformers' image_processing_utils.py, less those with which
pictures come out in any shape."""


class PreprocessorError(ValueError):
    """The preprocessor config is missing or asks for something that can't be followed."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        """`missing_preprocessor` or `bad_preprocessor`."""


def read_preprocessing(folder: Path, default_class: str) -> Preprocessing:
    """Read what a model folder says about its pictures.

    Args:
        folder: The model's files, in the hub's format.
        default_class: The processor class that counts where the files name none.

    Raises:
        PreprocessorError: Where there is no such file, or it can't be followed.
    """
    values = _find_config(folder)
    if values is None:
        raise PreprocessorError(
            "missing_preprocessor",
            "it has no preprocessor_config.json, so nobody knows how its pictures are scaled",
        )
    return parse_preprocessing(values, default_class)


def _find_config(folder: Path) -> Mapping[str, Any] | None:
    """Look where transformers looks.

    Source: `get_video_processor_dict` in video_processing_utils.py and `get_image_processor_dict`
    in image_processing_base.py, transformers 5.24. A file for videos goes before one for images.
    """
    nested = _read_json(folder / "processor_config.json") or {}
    for_videos = _part(nested, "video_processor")
    if for_videos is not None:
        return for_videos
    for_videos = _read_json(folder / "video_preprocessor_config.json")
    if for_videos is not None:
        return for_videos
    plain = _read_json(folder / "preprocessor_config.json")
    if plain is not None and plain.get("video_processor_type"):
        return plain
    for_images = _part(nested, "image_processor")
    return plain if for_images is None else for_images


def _part(nested: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    part = nested.get(key)
    if part is None or isinstance(part, dict):
        return part
    raise PreprocessorError("bad_preprocessor", f"{key} in processor_config.json is no JSON object")


def _read_json(path: Path) -> Mapping[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise PreprocessorError("bad_preprocessor", f"{path.name} can't be read: {exc}") from exc
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise PreprocessorError("bad_preprocessor", f"{path.name} is no JSON: {exc}") from exc
    if not isinstance(values, dict):
        raise PreprocessorError("bad_preprocessor", f"{path.name} is no JSON object")
    return values


def parse_preprocessing(values: Mapping[str, Any], default_class: str) -> Preprocessing:
    """Turn the JSON object into a checked `Preprocessing`.

    Args:
        values: Content of the file.
        default_class: The processor class that counts where it names none.

    Raises:
        PreprocessorError: It names a class that is not known, or asks for what can't be followed.
    """
    try:
        return _parse(values, _rules(values, default_class))
    except PreprocessorError:
        raise
    except (TypeError, ValueError, KeyError, OverflowError) as exc:
        raise PreprocessorError(
            "bad_preprocessor", f"its preprocessor config is odd: {exc}"
        ) from exc


def _rules(values: Mapping[str, Any], default_class: str) -> ProcessorRules:
    """Find the rules of the class that a file names.

    Source: AutoVideoProcessor and AutoImageProcessor, transformers 5.24.
    """
    named = (
        values.get("video_processor_type")
        or values.get("image_processor_type")
        or values.get("feature_extractor_type")
        or default_class
    )
    name = str(named).removesuffix("Fast").removesuffix("Pil")
    name = name.replace("FeatureExtractor", "ImageProcessor")
    # transformers, too, takes the one for videos where there is none for images.
    rules = RULES.get(name) or RULES.get(name.replace("ImageProcessor", "VideoProcessor"))
    if rules is None:
        raise PreprocessorError(
            "bad_preprocessor",
            f"its pictures are made by {str(named)[:80]!r}, whose rules vidtag doesn't know; it "
            "knows the processors of VideoMAE, TimeSformer, ViViT, V-JEPA 2, VideoPrism, ViT, "
            "DeiT, CLIP, SigLIP, BiT and ConvNeXT: save the model with one of these",
        )
    return rules


def _parse(values: Mapping[str, Any], rules: ProcessorRules) -> Preprocessing:
    known = {key: value for key, value in values.items() if value is not None}

    def asks(key: str, default: bool) -> bool:
        value = values.get(key, default)
        if value not in (True, False, None):
            raise ValueError(f"{key} is {value!r}")
        return bool(value)  # a null is a no, also where the class itself would

    if values.get("use_square_size"):
        raise PreprocessorError("bad_preprocessor", "it has a size of its own (use_square_size)")
    do_resize = asks("do_resize", True)
    do_crop = asks("do_center_crop", rules.crop_size is not None)
    crop_size = _crop_size(known, rules) if do_crop or rules.sizing == "crop" else None
    shortest, longest, exact = (
        _target(values, rules, crop_size) if do_resize else (None, None, None)
    )
    if rules.sizing == "convnext" and shortest is not None:
        # timm's way: crop_pct of a picture that is larger by as much.
        if do_crop and crop_size != (shortest, shortest):
            raise PreprocessorError("bad_preprocessor", "it crops twice (do_center_crop)")
        do_crop, crop_size = True, (shortest, shortest)
        shortest = int(shortest / _number(known.get("crop_pct", 224 / 256), "crop_pct"))
    height, width = _result(crop_size if do_crop else None, exact)
    if rules.pads and asks("do_pad", False):
        _check_pad(known.get("pad_size"), (height, width))
    do_rescale, do_normalize = asks("do_rescale", True), asks("do_normalize", rules.normalize)
    has_offset = rules.offset == "always" or (rules.offset == "file" and asks("offset", True))
    if rules.offset == "file" and has_offset and not do_rescale:
        raise PreprocessorError("bad_preprocessor", "it has an offset but does not rescale")
    factor = _number(known.get("rescale_factor", rules.rescale_factor), "rescale_factor")
    mean, std = known.get("image_mean", rules.mean), known.get("image_std", rules.std)
    return Preprocessing(
        shortest_edge=shortest,
        longest_edge=longest,
        exact_size=exact,
        resample=_filter(known, rules) if do_resize else "bilinear",
        image_size=height,
        crop=do_crop,
        pads_up=rules.is_numpy,
        rescale_factor=factor if do_rescale else None,
        offset=-1.0 if has_offset and do_rescale else 0.0,
        mean=_channels(mean) if do_normalize else (0.0, 0.0, 0.0),
        std=_channels(std) if do_normalize else (1.0, 1.0, 1.0),
    )


def _filter(known: Mapping[str, Any], rules: ProcessorRules) -> Filter:
    number = known.get("resample")
    if number is None:
        return rules.resample
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(_FILTERS):
        raise PreprocessorError(
            "bad_preprocessor", f"it resizes with filter {number!r} (resample), and Pillow has 0-5"
        )
    return _FILTERS[number]


def _crop_size(known: Mapping[str, Any], rules: ProcessorRules) -> tuple[int, int]:
    """Read a crop size: a number, or height and width."""
    value = known.get("crop_size", rules.crop_size)
    if value is None:
        raise PreprocessorError("bad_preprocessor", "it crops to no size (crop_size)")
    if isinstance(value, list):
        height, width = value
        return _pixels(height), _pixels(width)
    if isinstance(value, dict):
        return _pixels(value["height"]), _pixels(value["width"])
    return _pixels(value), _pixels(value)


def _target(
    values: Mapping[str, Any], rules: ProcessorRules, crop_size: tuple[int, int] | None
) -> tuple[int | None, int | None, tuple[int, int] | None]:
    """Read what is resized to: the shortest and the longest edge, or height and width."""
    if rules.sizing == "crop":
        assert crop_size is not None
        return int(crop_size[0] * 256 / 224), None, None  # whatever the file says
    value = values.get("size")
    if value is None:
        value = {"shortest_edge": rules.size} if isinstance(rules.size, int) else rules.size
    if isinstance(value, tuple | list):
        height, width = value
        value = {"height": height, "width": width}
    if not isinstance(value, dict):
        is_square = values.get("default_to_square", rules.is_square) and not rules.is_numpy
        value = {"height": value, "width": value} if is_square else {"shortest_edge": value}
    if set(value) not in _SIZE_KEYS:
        raise PreprocessorError(
            "bad_preprocessor", f"it resizes to {' and '.join(map(str, value)) or 'nothing'} (size)"
        )
    if "shortest_edge" not in value and rules.sizing != "convnext":
        return None, None, (_pixels(value["height"]), _pixels(value["width"]))
    shortest, longest = _pixels(value.get("shortest_edge")), value.get("longest_edge")
    if rules.sizing == "convnext":
        # From 384 pixels on nothing is cropped away.
        return (None, None, (shortest, shortest)) if shortest >= 384 else (shortest, None, None)
    return shortest, None if longest is None or rules.is_numpy else _pixels(longest), None


def _result(
    crop_size: tuple[int, int] | None, exact_size: tuple[int, int] | None
) -> tuple[int, int]:
    """Give the height and width that every picture has in the end, where there is such a size."""
    size = crop_size or exact_size
    if size is None:
        raise PreprocessorError(
            "bad_preprocessor", "it neither crops nor resizes to one size (do_center_crop)"
        )
    if size[0] != size[1]:
        raise PreprocessorError(
            "bad_preprocessor", f"its pictures are {size[1]}x{size[0]}; vidtag needs squares"
        )
    return size


def _check_pad(pad_size: object, result: tuple[int, int]) -> None:
    if pad_size not in (None, result[0], list(result), {"height": result[0], "width": result[1]}):
        raise PreprocessorError("bad_preprocessor", f"it pads to {pad_size!r} (do_pad)")


def _pixels(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 4096:
        raise ValueError(f"{value!r} is no size in pixels")
    return value


def _number(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_sound(value):
        raise ValueError(f"{key} is {value!r}")
    return float(value)


def _is_sound(value: float) -> bool:
    return math.isfinite(value) and value != 0


def _channels(value: object) -> Channels:
    if isinstance(value, int | float):
        value = [value] * 3
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError(f"{value!r} is not one number for each of three channels")
    red, green, blue = (float(number) for number in value)
    if not all(map(math.isfinite, (red, green, blue))):
        raise ValueError(f"{value!r} is not one number for each of three channels")
    return red, green, blue
