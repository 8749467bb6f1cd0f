"""What a model costs, from its configuration alone: tokens, parameters, GFLOPs per window.

Owns the arithmetic of the architectures and what `vidtag models` lists. Reads
config.json where the model is cached and the published configuration where it is not;
imports neither torch nor transformers.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from vidtag.errors import ModelError
from vidtag.models.config import ModelConfig, parse_config, read_config
from vidtag.models.hub import cached_snapshot
from vidtag.models.registry import ALIASES, DEFAULT_MODEL
from vidtag.models.source import DEMO_FOLDER, find_model


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What one forward pass takes."""

    parameters: int
    """Numbers in the checkpoint, also those that classification leaves out."""

    tokens: int
    """Patches in space and time that attend to one another, with the class token."""

    gflops: float
    """10⁹ operations per window: two for each multiply-add of matrix products and convolutions."""


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
    alias = ALIASES[name]
    if alias.hub_id is None:
        is_cached = (DEMO_FOLDER / "config.json").is_file()
        config = read_config(DEMO_FOLDER, name)
    else:
        folder = cached_snapshot(alias.hub_id)
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
        is_cached=is_cached,
    )


def describe_model(
    model: str = DEFAULT_MODEL, revision: str | None = None, offline: bool = False
) -> ModelDescription:
    """Describe any model; one that is neither an alias nor a folder is downloaded first."""
    if model in ALIASES and revision is None:
        return describe_alias(model)
    files = find_model(model, revision=revision, offline=offline)
    return _describe(
        read_config(files.folder, files.name),
        name=model,
        model_id=files.model_id,
        licence=files.licence,
        is_cached=True,
    )


def _describe(
    config: ModelConfig, *, name: str, model_id: str, licence: str | None, is_cached: bool
) -> ModelDescription:
    cost = model_cost(config)
    return ModelDescription(
        name=name,
        model_id=model_id,
        architecture=config.architecture,
        num_frames=config.num_frames,
        image_size=config.image_size,
        num_labels=len(config.labels),
        parameters=cost.parameters if cost else None,
        tokens=cost.tokens if cost else None,
        gflops=cost.gflops if cost else None,
        licence=licence,
        is_cached=is_cached,
        note=ALIASES[name].note if name in ALIASES else "",
    )


def model_cost(config: ModelConfig) -> ModelCost | None:
    """Count parameters, tokens and operations.

    Returns:
        `None` for an architecture whose arithmetic is not known here, and for a configuration
        whose numbers make no sense.
    """
    count = _COUNTERS.get(config.architecture)
    if count is None:
        return None
    try:
        return count(config)
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError):
        return None


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The numbers that all architectures have."""

    width: int
    depth: int
    mlp: int
    patch: int
    labels: int

    @classmethod
    def of(cls, config: ModelConfig) -> "_Sizes":
        values = config.values
        width = int(values.get("hidden_size", config.kind.hidden_size))
        depth = int(values.get("num_hidden_layers", config.kind.num_layers))
        mlp = int(values.get("intermediate_size", 3072))
        patch = values.get("patch_size", 16)
        patch = int(patch[0] if isinstance(patch, list) else patch)
        return cls(width, depth, mlp, patch, len(config.labels))


def _dense(inputs: int, outputs: int, bias: bool = True) -> int:
    """Count the parameters of a linear layer."""
    return inputs * outputs + (outputs if bias else 0)


def _block_params(width: int, mlp: int, qkv_biases: int) -> int:
    """Count one transformer block: attention, MLP and two layer norms."""
    attention = 3 * width * width + qkv_biases * width + _dense(width, width)
    return attention + _dense(width, mlp) + _dense(mlp, width) + 4 * width


def _block_macs(tokens: int, width: int, mlp: int) -> int:
    """Count the multiply-adds of one block in which all tokens attend to all."""
    return tokens * (4 * width * width + 2 * width * mlp) + 2 * tokens * tokens * width


def _gflops(macs: int) -> float:
    return 2 * macs / 1e9


def _videomae(config: ModelConfig) -> ModelCost:
    s, values = _Sizes.of(config), config.values
    tubelet = int(values.get("tubelet_size", 2))
    tokens = config.num_frames // tubelet * (config.image_size // s.patch) ** 2
    pixels = 3 * tubelet * s.patch**2
    biases = 2 if values.get("qkv_bias", values.get("qv_bias", True)) else 0
    return ModelCost(
        parameters=_dense(pixels, s.width)
        + s.depth * _block_params(s.width, s.mlp, biases)
        + 2 * s.width
        + _dense(s.width, s.labels),
        tokens=tokens,
        gflops=_gflops(
            tokens * pixels * s.width
            + s.depth * _block_macs(tokens, s.width, s.mlp)
            + s.width * s.labels
        ),
    )


def _timesformer(config: ModelConfig) -> ModelCost | None:
    s, values = _Sizes.of(config), config.values
    if values.get("attention_type", "divided_space_time") != "divided_space_time":
        return None
    biases = 3 if values.get("qkv_bias", True) else 0
    places, frames = (config.image_size // s.patch) ** 2, config.num_frames
    patches, pixels, square = places * frames, 3 * s.patch**2, s.width * s.width
    attention_params = 3 * square + biases * s.width + _dense(s.width, s.width)
    block_params = (
        _block_params(s.width, s.mlp, biases)
        + attention_params
        + 2 * s.width
        + _dense(s.width, s.width)
    )
    spatial = frames * (places + 1)  # every frame attends with its own class token
    block_macs = (
        patches * 5 * square  # over time: queries, keys, values, two projections
        + 2 * places * frames * frames * s.width
        + spatial * 4 * square
        + 2 * frames * (places + 1) ** 2 * s.width
        + (patches + 1) * 2 * s.width * s.mlp
    )
    return ModelCost(
        parameters=_dense(pixels, s.width)
        + (1 + places + 1 + frames) * s.width  # class token, places, times
        + s.depth * block_params
        + 2 * s.width
        + _dense(s.width, s.labels),
        tokens=patches + 1,
        gflops=_gflops(patches * pixels * s.width + s.depth * block_macs + s.width * s.labels),
    )


def _vivit(config: ModelConfig) -> ModelCost:
    s, values = _Sizes.of(config), config.values
    time, height, width = (int(side) for side in values.get("tubelet_size", (2, 16, 16)))
    patches = (
        config.num_frames // time * (config.image_size // height) * (config.image_size // width)
    )
    pixels = 3 * time * height * width
    biases = 3 if values.get("qkv_bias", True) else 0
    return ModelCost(
        parameters=_dense(pixels, s.width)
        + (1 + patches + 1) * s.width
        + s.depth * _block_params(s.width, s.mlp, biases)
        + 2 * s.width
        + _dense(s.width, s.labels),
        tokens=patches + 1,
        gflops=_gflops(
            patches * pixels * s.width
            + s.depth * _block_macs(patches + 1, s.width, s.mlp)
            + s.width * s.labels
        ),
    )


def _vjepa2(config: ModelConfig) -> ModelCost:
    s, values = _Sizes.of(config), config.values
    mlp = int(s.width * float(values.get("mlp_ratio", 4.0)))
    tubelet = int(values.get("tubelet_size", 2))
    tokens = config.num_frames // tubelet * (config.image_size // s.patch) ** 2
    pixels = 3 * tubelet * s.patch**2
    biases = 3 if values.get("qkv_bias", True) else 0
    pooler_layers = int(values.get("num_pooler_layers", 3))
    narrow = int(values.get("pred_hidden_size", 384))
    predictor = (
        _dense(s.width, narrow)
        + int(values.get("pred_num_mask_tokens", 10)) * narrow
        + int(values.get("pred_num_hidden_layers", 12))
        * _block_params(narrow, int(narrow * float(values.get("pred_mlp_ratio", 4.0))), biases)
        + 2 * narrow
        + _dense(narrow, s.width)
    )
    wide = 4 * s.width  # of the pooler's MLPs, whatever mlp_ratio says
    cross = _block_params(s.width, wide, 3) - _dense(s.width, s.width)  # has no projection out
    square = s.width * s.width
    pooler_macs = (
        pooler_layers * _block_macs(tokens, s.width, wide)
        + 2 * tokens * square  # keys and values
        + square
        + 2 * tokens * s.width
        + 2 * s.width * wide
    )
    return ModelCost(
        parameters=_dense(pixels, s.width)
        + s.depth * _block_params(s.width, mlp, biases)
        + 2 * s.width
        + predictor
        + s.width  # the query
        + cross
        + pooler_layers * _block_params(s.width, wide, 3)
        + _dense(s.width, s.labels),
        tokens=tokens,
        gflops=_gflops(
            tokens * pixels * s.width
            + s.depth * _block_macs(tokens, s.width, mlp)
            + pooler_macs
            + s.width * s.labels
        ),
    )


def _videoprism(config: ModelConfig) -> ModelCost:
    s, values = _Sizes.of(config), config.values
    time, height, width = (int(side) for side in values.get("tubelet_size", (1, 18, 18)))
    places = (config.image_size // height) * (config.image_size // width)
    frames = config.num_frames // time
    tokens, pixels = places * frames, 3 * time * height * width
    over_places = int(values.get("num_spatial_layers", 12))
    over_time = int(values.get("num_temporal_layers", 4))
    heads = int(values.get("num_attention_heads", 12))
    biases = 3 if values.get("qkv_bias", True) else 0
    inner = s.mlp // heads * heads  # the pooler's heads share the width of the MLPs
    pooler_params = (
        3 * _dense(s.width, inner, bias=bool(biases))
        + _dense(inner, s.width)
        + inner // heads  # a scale for each of a head's numbers
        + s.width  # the query
        + 2 * s.width
    )
    pooler_macs = 2 * s.width * inner + 2 * tokens * (s.width * inner + inner)
    return ModelCost(
        parameters=_dense(pixels, s.width)
        + (places + config.num_frames) * s.width
        + (over_places + over_time) * _block_params(s.width, s.mlp, biases)
        + 4 * s.width
        + pooler_params
        + _dense(s.width, s.labels),
        tokens=tokens,
        gflops=_gflops(
            tokens * pixels * s.width
            + over_places * frames * _block_macs(places, s.width, s.mlp)
            + over_time * places * _block_macs(frames, s.width, s.mlp)
            + pooler_macs
            + s.width * s.labels
        ),
    )


_COUNTERS: Mapping[str, Callable[[ModelConfig], ModelCost | None]] = MappingProxyType(
    {
        "videomae": _videomae,
        "timesformer": _timesformer,
        "vivit": _vivit,
        "vjepa2": _vjepa2,
        "videoprism_vision_model": _videoprism,
    }
)
