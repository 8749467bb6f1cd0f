"""transformers' own processors, with torch's resampling in place of Pillow's.

Without torchvision only the Pillow twins of the image processors can be made, and none of the
video processors. So the twins run as they are, but for the one function that resizes, and the
video processors' few lines are followed here with the defaults that their source has.
"""

import ast
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import transformers

MODELS = Path(transformers.__file__).parent / "models"

IMAGE_PROCESSORS = {
    "VideoMAEImageProcessor": "videomae.image_processing_pil_videomae.VideoMAEImageProcessorPil",
    "VivitImageProcessor": "vivit.image_processing_vivit.VivitImageProcessor",
    "ViTImageProcessor": "vit.image_processing_pil_vit.ViTImageProcessorPil",
    "DeiTImageProcessor": "deit.image_processing_pil_deit.DeiTImageProcessorPil",
    "CLIPImageProcessor": "clip.image_processing_pil_clip.CLIPImageProcessorPil",
    "ChineseCLIPImageProcessor": (
        "chinese_clip.image_processing_pil_chinese_clip.ChineseCLIPImageProcessorPil"
    ),
    "BitImageProcessor": "bit.image_processing_pil_bit.BitImageProcessorPil",
    "SiglipImageProcessor": "siglip.image_processing_pil_siglip.SiglipImageProcessorPil",
    "ConvNextImageProcessor": "convnext.image_processing_pil_convnext.ConvNextImageProcessorPil",
}
"""Name → where the class that runs without torchvision lies."""

VIDEO_PROCESSORS = {
    "VideoMAEVideoProcessor": "videomae",
    "TimesformerVideoProcessor": "timesformer",
    "VivitVideoProcessor": "vivit",
    "VJEPA2VideoProcessor": "vjepa2",
    "LlavaOnevisionVideoProcessor": "llava_onevision",
    "VideoLlavaVideoProcessor": "video_llava",
    "LlavaNextVideoVideoProcessor": "llava_next_video",
}
"""Name → folder of its source."""

_BASE = {"default_to_square": True, "rescale_factor": 1 / 255}
"""Source: VideoProcessorMixin in video_processing_utils.py."""

_MODES = {0: "nearest-exact", 1: "lanczos", 2: "bilinear", 3: "bicubic"}


def class_defaults(name: str) -> dict[str, Any]:
    """Read the class attributes of a video processor from its source."""
    folder = VIDEO_PROCESSORS[name]
    tree = ast.parse((MODELS / folder / f"video_processing_{folder}.py").read_text())
    (cls,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    from transformers import image_utils

    found: dict[str, Any] = dict(_BASE)
    for line in cls.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            expression = compile(ast.Expression(line.value), name, "eval")
            found[line.targets[0].id] = eval(expression, vars(image_utils))
    return found


def resize(image: npt.NDArray[np.uint8], size: tuple[int, int], resample: int) -> Any:
    """Resize (3, H, W) as torchvision's `resize` does on a CPU."""
    more: dict[str, Any] = {} if resample == 0 else {"align_corners": False, "antialias": True}
    pixels = torch.from_numpy(np.ascontiguousarray(image))[None]
    return torch.nn.functional.interpolate(pixels, size, mode=_MODES[resample], **more)[0].numpy()


@contextmanager
def torch_resampling() -> Iterator[None]:
    """Let the processors without torchvision resize with torch."""
    from transformers.models.vivit import image_processing_vivit

    backends = importlib.import_module("transformers.image_processing_backends")

    def chw(image: Any, size: Any, resample: Any = None, **_: Any) -> Any:
        return resize(image, size, 2 if resample is None else int(resample))

    def hwc(image: Any, size: Any, resample: Any = None, **_: Any) -> Any:
        return chw(image.transpose(2, 0, 1), size, resample).transpose(1, 2, 0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backends, "np_resize", chw)
        patch.setattr(image_processing_vivit, "resize", hwc)
        yield


def image_processor(name: str, values: dict[str, Any]) -> Any:
    """Make transformers' own."""
    module, _, cls = IMAGE_PROCESSORS[name].rpartition(".")
    made = getattr(importlib.import_module(f"transformers.models.{module}"), cls)
    return made(**{key: value for key, value in values.items() if not key.endswith("_type")})


def prepare(name: str, values: dict[str, Any], frames: list[npt.NDArray[np.uint8]]) -> Any:
    """Make (T, 3, S, S) float32 of (H, W, 3) frames as the class does."""
    if name in IMAGE_PROCESSORS:
        with torch_resampling():
            pixels = image_processor(name, values)(frames, return_tensors="np")["pixel_values"]
        return np.asarray(pixels).reshape(len(frames), *np.asarray(pixels).shape[-3:])
    return np.stack([_as_video_frame(name, values, frame.transpose(2, 0, 1)) for frame in frames])


def _as_video_frame(name: str, values: dict[str, Any], image: Any) -> Any:
    """Source: BaseVideoProcessor and TorchvisionBackend, transformers 5.24, line by line."""
    asked = {**class_defaults(name), **values}
    crop = asked.get("crop_size")
    crop = (crop, crop) if isinstance(crop, int) else crop and (crop["height"], crop["width"])
    if asked.get("do_resize"):
        size = {"shortest_edge": int(crop[0] * 256 / 224)} if "VJEPA2" in name else asked["size"]
        if isinstance(size, int):
            square = asked["default_to_square"]
            size = {"height": size, "width": size} if square else {"shortest_edge": size}
        height, width = image.shape[1:]
        if "shortest_edge" in size:
            edge, short, long = size["shortest_edge"], *sorted((height, width))
            longer = int(edge * long / short)
            new = (longer, edge) if width <= height else (edge, longer)
        else:
            new = (size["height"], size["width"])
        image = resize(image, new, int(asked["resample"]))
    if asked.get("do_center_crop"):
        height, width = image.shape[1:]
        top, left = int((height - crop[0]) / 2.0), int((width - crop[1]) / 2.0)
        image = image[:, top : top + crop[0], left : left + crop[1]]
    pixels = image.astype(np.float32)
    if asked.get("do_rescale"):
        pixels = pixels * asked["rescale_factor"] - (1 if name == "VivitVideoProcessor" else 0)
    if asked.get("do_normalize"):
        mean, std = np.float32(asked["image_mean"]), np.float32(asked["image_std"])
        pixels = (pixels - mean.reshape(-1, 1, 1)) / std.reshape(-1, 1, 1)
    return pixels.astype(np.float32)
