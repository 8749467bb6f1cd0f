"""What one forward pass costs, from a configuration alone: parameters, tokens, GFLOPs.

Owns the arithmetic of the architectures; imports neither torch nor transformers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vidtag.models.config import ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What one forward pass takes."""

    parameters: int
    """Numbers in the checkpoint, also those that classification leaves out."""

    tokens: int
    """Patches in space and time that attend to one another, with the class token."""

    gflops: float
    """10⁹ operations per window: two for each multiply-add of matrix products and convolutions."""


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


def feature_size(config: ModelConfig) -> int | None:
    """Count the numbers that a video-text model makes of a window, before it reads the words."""
    values = config.values
    if config.architecture == "xclip":
        patch = int(config.vision.get("patch_size", 32))
        return int(values.get("projection_dim", 512)) * (1 + (config.image_size // patch) ** 2)
    if config.architecture == "videoprism":
        return int(config.vision.get("hidden_size", config.kind.hidden_size))
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
