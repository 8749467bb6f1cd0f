"""What a model costs, from its configuration alone: tokens, parameters, GFLOPs per window.

Owns the arithmetic of the architectures and what `vidtag models` lists. Reads
config.json where the model is cached and the published configuration where it is not;
imports neither torch nor transformers.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vidtag.aliases import ALIASES
from vidtag.cache.speeds import Speed, SpeedLog
from vidtag.errors import ModelError
from vidtag.models.config import ModelConfig, default_window, parse_config, read_config
from vidtag.models.cost import model_cost
from vidtag.models.hub import cached_snapshot
from vidtag.models.packaged import PACKAGED
from vidtag.models.weights import find_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """One line of `vidtag models`."""

    name: str
    """Alias, or the model as the user named it."""

    model_id: str
    """Hub id, folder or `demo`."""

    architecture: str
    """`videomae`, `timesformer`, `vivit`, `vjepa2`, …"""

    num_frames: int
    """Frames per clip."""

    image_size: int
    """Height and width of a frame, in pixels."""

    num_labels: int
    """How many actions it can name."""

    parameters: int | None
    """Numbers in the checkpoint; `None` for an architecture whose arithmetic is not known."""

    tokens: int | None
    """Patches per window."""

    gflops: float | None
    """10⁹ operations per window; a multiply-add counts as two."""

    licence: str | None
    """Licence of the weights, where it is known."""

    is_cached: bool
    """Whether it runs without the network."""

    note: str
    """One line for a person; empty for models that have no alias."""

    accuracy: str | None = None
    """Top-1 as it was published, with its source."""

    reads_text: bool = False
    """Whether it takes labels in the user's own words."""

    window_seconds: float = 0.0
    """Length of its window where none is asked for."""

    stride_seconds: float = 0.0
    """Between its windows where nothing else is asked for."""

    weights_bytes: int | None = None
    """What its weights take: on disk where they are cached, else about what a download takes, at
    four bytes a number, as all of these were published; `None` where that is not known."""

    speeds: tuple[Speed, ...] = ()
    """How fast it ran on this machine, the fastest first; none where it never ran."""

    @property
    def realtime_factor(self) -> float | None:
        """Seconds of video that its fastest run took in a second, at the usual stride."""
        if not self.speeds:
            return None
        return self.speeds[0].windows_per_second * self.stride_seconds

    @property
    def is_packaged(self) -> bool:
        """Whether it comes with vidtag."""
        return self.name in PACKAGED


_BASE: Mapping[str, int] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}

_PUBLISHED: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # Widths and depths: VideoMAE (arXiv 2203.12602), table 8 and its repository.
        "base": {"model_type": "videomae", "num_labels": 400, **_BASE},
        "small": {
            "model_type": "videomae",
            "num_labels": 400,
            "hidden_size": 384,
            "num_hidden_layers": 12,
            "num_attention_heads": 6,
            "intermediate_size": 1536,
        },
        "large": {
            "model_type": "videomae",
            "num_labels": 400,
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
        },
        "huge": {
            "model_type": "videomae",
            "num_labels": 400,
            "hidden_size": 1280,
            "num_hidden_layers": 32,
            "num_attention_heads": 16,
            "intermediate_size": 5120,
        },
        "ssv2": {"model_type": "videomae", "num_labels": 174, **_BASE},
        # TimeSformer (arXiv 2102.05095), section 4: ViT-base, divided attention, 8 frames.
        "timesformer": {"model_type": "timesformer", "num_labels": 400, **_BASE},
        # ViViT (arXiv 2103.15691), model 1: ViT-base, 16x2 tubelets, 32 frames.
        "vivit": {"model_type": "vivit", "num_labels": 400, **_BASE},
        # X-CLIP (arXiv 2208.02816), section 4 and VideoX, X-CLIP/configs: CLIP's towers, 8 frames.
        "xclip": {"model_type": "xclip"},
        "xclip-b16": {"model_type": "xclip", "vision_config": {"patch_size": 16}},
        "xclip-large": {
            "model_type": "xclip",
            "projection_dim": 768,
            "prompt_num_attention_heads": 12,
            "vision_config": {
                "patch_size": 14,
                "hidden_size": 1024,
                "num_hidden_layers": 24,
                "num_attention_heads": 16,
                "intermediate_size": 4096,
                "mit_hidden_size": 768,
                "mit_intermediate_size": 3072,
                "mit_num_attention_heads": 12,
            },
            "text_config": {
                "hidden_size": 768,
                "intermediate_size": 3072,
                "num_attention_heads": 12,
            },
        },
        # VideoPrism (arXiv 2402.13217): transformers' own defaults are the base model's.
        "videoprism": {"model_type": "videoprism"},
        # V-JEPA 2 (arXiv 2506.09985), ViT-L with the attentive probe; 16 frames of 256 pixels.
        "vjepa2-ssv2": {
            "model_type": "vjepa2",
            "num_labels": 174,
            "frames_per_clip": 16,
            "crop_size": 256,
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
    }
)
"""Configurations of the aliases, so that `vidtag models` works before any download."""


def published_config(alias: str) -> ModelConfig:
    """Give the configuration that an alias's model was published with."""
    return parse_config(dict(_PUBLISHED[alias]), alias)


def list_models() -> list[ModelDescription]:
    """Describe every alias; never touches the network."""
    return [describe_alias(name) for name in ALIASES]


def describe_alias(name: str) -> ModelDescription:
    """Describe an alias from the cache, or from what was published."""
    alias, folder = ALIASES[name], None
    if alias.hub_id is None:
        folder = PACKAGED[name]
        is_cached = (folder / "config.json").is_file()
        config = read_config(folder, name)
    else:
        folder = cached_snapshot(alias.hub_id, alias.revision)
        is_cached = folder is not None
        config = published_config(name)
        if folder is not None:
            with suppress(ModelError):  # a damaged cache must not hide the list of models
                config = read_config(folder, name)
    return _describe(
        config,
        name=name,
        model_id=alias.hub_id or name,
        licence=alias.licence,
        folder=folder if is_cached else None,
    )


def _describe(
    config: ModelConfig, *, name: str, model_id: str, licence: str | None, folder: Path | None
) -> ModelDescription:
    """Describe a model; its folder is `None` where it is not cached."""
    cost, alias = model_cost(config), ALIASES.get(name)
    window, stride = default_window(config)
    log = SpeedLog()
    speeds = log.of(model_id)
    log.close()
    return ModelDescription(
        name=name,
        model_id=model_id,
        architecture=config.architecture,
        num_frames=config.num_frames,
        image_size=config.image_size,
        num_labels=len(config.own_labels),
        parameters=cost.parameters if cost else None,
        tokens=cost.tokens if cost else None,
        gflops=cost.gflops if cost else None,
        licence=licence,
        is_cached=folder is not None,
        note=alias.note if alias is not None else "",
        accuracy=alias.accuracy if alias is not None else None,
        reads_text=config.kind.text is not None,
        window_seconds=float(window),
        stride_seconds=float(stride),
        weights_bytes=_measure(folder) or (4 * cost.parameters if cost else None),
        speeds=speeds,
    )


def _measure(folder: Path | None) -> int | None:
    """Measure the weights in a folder, in bytes."""
    if folder is None:
        return None
    with suppress(OSError):
        return sum(path.stat().st_size for path in find_weights(folder))
    return None
