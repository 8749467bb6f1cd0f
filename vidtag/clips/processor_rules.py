"""The processor classes of transformers that vidtag follows: one record each, as data.

Owns what each does where its file is silent, and what it does whatever that says; those of 5.24
are written down here, so that no run has to import them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from vidtag.clips.preparing import Channels, Filter

_HALF: Channels = (0.5, 0.5, 0.5)
_IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
_IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
_CLIP_MEAN: Channels = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD: Channels = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorRules:
    """What a processor class does where its file is silent, and what it does whatever that says."""

    size: int | tuple[int, int]
    """Of resizing: the shortest edge, or (height, width)."""

    crop_size: int | None
    """Of the centre crop; `None` where nothing is cropped."""

    mean: Channels
    std: Channels

    resample: Filter = "bicubic"
    rescale_factor: float = 1 / 255
    normalize: bool = True

    is_square: bool = False
    """Whether a size that is one number means a square and not the shortest edge."""

    offset: Literal["none", "always", "file"] = "none"
    """Whether 1 is taken off after rescaling; `file`: where its `offset` does not forbid it."""

    sizing: Literal["file", "crop", "convnext"] = "file"
    """What the size of resizing follows from: `size`, V-JEPA 2's crop, or ConvNeXT's `crop_pct`."""

    is_numpy: bool = False
    """Of `VivitImageProcessor`, which is older than the others' common base: a number is always
    the shortest edge, and of an odd margin the larger half comes first."""

    pads: bool = True
    """Whether `do_pad` is followed."""


_VIDEOMAE = ProcessorRules(
    size=224, crop_size=224, mean=_HALF, std=_HALF, resample="bilinear", pads=False
)
_TIMESFORMER = ProcessorRules(
    size=224,
    crop_size=224,
    mean=_IMAGENET_MEAN,
    std=_IMAGENET_STD,
    resample="bilinear",
    pads=False,
)
_CLIP = ProcessorRules(size=224, crop_size=224, mean=_CLIP_MEAN, std=_CLIP_STD)
_CLIP_VIDEO = ProcessorRules(size=224, crop_size=224, mean=_CLIP_MEAN, std=_CLIP_STD, pads=False)

RULES: Mapping[str, ProcessorRules] = MappingProxyType(
    {
        "VideoMAEImageProcessor": _VIDEOMAE,
        "VideoMAEVideoProcessor": _VIDEOMAE,
        "TimesformerVideoProcessor": _TIMESFORMER,
        "VivitImageProcessor": ProcessorRules(
            size=256,
            crop_size=224,
            mean=_HALF,
            std=_HALF,
            resample="bilinear",
            rescale_factor=1 / 127.5,
            offset="file",
            is_numpy=True,
            pads=False,
        ),
        "VivitVideoProcessor": ProcessorRules(
            size=256,
            crop_size=224,
            mean=_HALF,
            std=_HALF,
            resample="bilinear",
            rescale_factor=1 / 127.5,
            offset="always",
            pads=False,
        ),
        "VJEPA2VideoProcessor": ProcessorRules(
            size=292,
            crop_size=256,
            mean=_IMAGENET_MEAN,
            std=_IMAGENET_STD,
            resample="bilinear",
            is_square=True,
            sizing="crop",
            pads=False,
        ),
        "LlavaOnevisionVideoProcessor": ProcessorRules(
            size=(384, 384), crop_size=None, mean=_CLIP_MEAN, std=_CLIP_STD, pads=False
        ),
        # Of the releases in which VideoPrism still had a processor of its own.
        "VideoPrismVideoProcessor": ProcessorRules(
            size=(288, 288),
            crop_size=None,
            mean=_CLIP_MEAN,
            std=_CLIP_STD,
            normalize=False,
            pads=False,
        ),
        "VideoLlavaVideoProcessor": _CLIP_VIDEO,
        "LlavaNextVideoVideoProcessor": _CLIP_VIDEO,
        "CLIPImageProcessor": _CLIP,
        "ChineseCLIPImageProcessor": _CLIP,
        "BitImageProcessor": _CLIP,
        "ViTImageProcessor": ProcessorRules(
            size=(224, 224),
            crop_size=None,
            mean=_HALF,
            std=_HALF,
            resample="bilinear",
            is_square=True,
        ),
        "DeiTImageProcessor": ProcessorRules(
            size=(256, 256),
            crop_size=224,
            mean=_HALF,
            std=_HALF,
            is_square=True,
        ),
        "SiglipImageProcessor": ProcessorRules(
            size=(224, 224), crop_size=None, mean=_HALF, std=_HALF
        ),
        "ConvNextImageProcessor": ProcessorRules(
            size=384, crop_size=None, mean=_HALF, std=_HALF, sizing="convnext"
        ),
    }
)
"""Every class that vidtag follows, without the suffixes Fast and Pil. Source: the class attributes
in transformers 5.24, models/*/image_processing_*.py and video_processing_*.py."""
