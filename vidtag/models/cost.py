"""What one forward pass costs, from a configuration alone: parameters, tokens, GFLOPs.

Owns the arithmetic of the architectures; imports neither torch nor transformers.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from vidtag.models.arithmetic import ModelCost, Sizes, block_macs, block_params, dense, gflops
from vidtag.models.config import ModelConfig
from vidtag.models.words.cost import count_videoprism_lvt, count_xclip, videoprism_tower


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


def _videomae(config: ModelConfig) -> ModelCost:
    s, values = Sizes.of(config), config.values
    tubelet = int(values.get("tubelet_size", 2))
    tokens = config.num_frames // tubelet * (config.image_size // s.patch) ** 2
    pixels = 3 * tubelet * s.patch**2
    biases = 2 if values.get("qkv_bias", values.get("qv_bias", True)) else 0
    return ModelCost(
        parameters=dense(pixels, s.width)
        + s.depth * block_params(s.width, s.mlp, biases)
        + 2 * s.width
        + dense(s.width, s.labels),
        tokens=tokens,
        gflops=gflops(
            tokens * pixels * s.width
            + s.depth * block_macs(tokens, s.width, s.mlp)
            + s.width * s.labels
        ),
    )


def _timesformer(config: ModelConfig) -> ModelCost | None:
    s, values = Sizes.of(config), config.values
    if values.get("attention_type", "divided_space_time") != "divided_space_time":
        return None
    biases = 3 if values.get("qkv_bias", True) else 0
    places, frames = (config.image_size // s.patch) ** 2, config.num_frames
    patches, pixels, square = places * frames, 3 * s.patch**2, s.width * s.width
    attention_params = 3 * square + biases * s.width + dense(s.width, s.width)
    one_block = (
        block_params(s.width, s.mlp, biases)
        + attention_params
        + 2 * s.width
        + dense(s.width, s.width)
    )
    spatial = frames * (places + 1)  # every frame attends with its own class token
    one_pass = (
        patches * 5 * square  # over time: queries, keys, values, two projections
        + 2 * places * frames * frames * s.width
        + spatial * 4 * square
        + 2 * frames * (places + 1) ** 2 * s.width
        + (patches + 1) * 2 * s.width * s.mlp
    )
    return ModelCost(
        parameters=dense(pixels, s.width)
        + (1 + places + 1 + frames) * s.width  # class token, places, times
        + s.depth * one_block
        + 2 * s.width
        + dense(s.width, s.labels),
        tokens=patches + 1,
        gflops=gflops(patches * pixels * s.width + s.depth * one_pass + s.width * s.labels),
    )


def _vivit(config: ModelConfig) -> ModelCost:
    s, values = Sizes.of(config), config.values
    time, height, width = (int(side) for side in values.get("tubelet_size", (2, 16, 16)))
    patches = (
        config.num_frames // time * (config.image_size // height) * (config.image_size // width)
    )
    pixels = 3 * time * height * width
    biases = 3 if values.get("qkv_bias", True) else 0
    return ModelCost(
        parameters=dense(pixels, s.width)
        + (1 + patches + 1) * s.width
        + s.depth * block_params(s.width, s.mlp, biases)
        + 2 * s.width
        + dense(s.width, s.labels),
        tokens=patches + 1,
        gflops=gflops(
            patches * pixels * s.width
            + s.depth * block_macs(patches + 1, s.width, s.mlp)
            + s.width * s.labels
        ),
    )


def _vjepa2(config: ModelConfig) -> ModelCost:
    s, values = Sizes.of(config), config.values
    mlp = int(s.width * float(values.get("mlp_ratio", 4.0)))
    tubelet = int(values.get("tubelet_size", 2))
    tokens = config.num_frames // tubelet * (config.image_size // s.patch) ** 2
    pixels = 3 * tubelet * s.patch**2
    biases = 3 if values.get("qkv_bias", True) else 0
    pooler_layers = int(values.get("num_pooler_layers", 3))
    narrow = int(values.get("pred_hidden_size", 384))
    predictor = (
        dense(s.width, narrow)
        + int(values.get("pred_num_mask_tokens", 10)) * narrow
        + int(values.get("pred_num_hidden_layers", 12))
        * block_params(narrow, int(narrow * float(values.get("pred_mlp_ratio", 4.0))), biases)
        + 2 * narrow
        + dense(narrow, s.width)
    )
    wide = 4 * s.width  # of the pooler's MLPs, whatever mlp_ratio says
    cross = block_params(s.width, wide, 3) - dense(s.width, s.width)  # has no projection out
    square = s.width * s.width
    pooler_macs = (
        pooler_layers * block_macs(tokens, s.width, wide)
        + 2 * tokens * square  # keys and values
        + square
        + 2 * tokens * s.width
        + 2 * s.width * wide
    )
    return ModelCost(
        parameters=dense(pixels, s.width)
        + s.depth * block_params(s.width, mlp, biases)
        + 2 * s.width
        + predictor
        + s.width  # the query
        + cross
        + pooler_layers * block_params(s.width, wide, 3)
        + dense(s.width, s.labels),
        tokens=tokens,
        gflops=gflops(
            tokens * pixels * s.width
            + s.depth * block_macs(tokens, s.width, mlp)
            + pooler_macs
            + s.width * s.labels
        ),
    )


def _videoprism(config: ModelConfig) -> ModelCost:
    (parameters, tokens, macs), s = videoprism_tower(config), Sizes.of(config)
    return ModelCost(
        parameters=parameters + dense(s.width, s.labels),
        tokens=tokens,
        gflops=gflops(macs + s.width * s.labels),
    )


_COUNTERS: Mapping[str, Callable[[ModelConfig], ModelCost | None]] = MappingProxyType(
    {
        "videomae": _videomae,
        "timesformer": _timesformer,
        "vivit": _vivit,
        "vjepa2": _vjepa2,
        "videoprism_vision_model": _videoprism,
        "videoprism": count_videoprism_lvt,
        "xclip": count_xclip,
    }
)
