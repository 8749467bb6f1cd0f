"""What video-text models cost: the whole checkpoint, and the video tower, which runs per window."""

from vidtag.models.arithmetic import ModelCost, Sizes, block_macs, block_params, dense, gflops
from vidtag.models.config import ModelConfig

_CLIP_TEXT = {
    "vocab_size": 49408,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "max_position_embeddings": 77,
}
"""Where config.json is silent. Source: XCLIPTextConfig of transformers 5.24."""

_PRISM_TEXT = {
    "vocab_size": 32000,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
}
"""The same. Source: VideoPrismTextConfig."""


def feature_size(config: ModelConfig) -> int | None:
    """Count the numbers that a video-text model makes of a window, before it reads the words."""
    size = direction_size(config)
    if config.architecture == "xclip" and size is not None:
        patch = int(config.vision.get("patch_size", 32))
        return size * (1 + (config.image_size // patch) ** 2)
    return size


def direction_size(config: ModelConfig) -> int | None:
    """Count those of them, the first ones, that are the video's direction, whatever the words."""
    if config.architecture == "xclip":
        return int(config.values.get("projection_dim", 512))
    if config.architecture == "videoprism":
        return int(config.vision.get("hidden_size", config.kind.hidden_size))
    return None


def count_xclip(config: ModelConfig) -> ModelCost:
    """Count X-CLIP: CLIP's image tower with a message between frames, and what joins both."""
    vision, values = config.vision, config.values
    s = Sizes.of(config)
    patch = int(vision.get("patch_size", 32))
    places, frames = (config.image_size // patch) ** 2, config.num_frames
    pixels, square, joint = 3 * patch**2, s.width * s.width, int(values.get("projection_dim", 512))
    mit = int(vision.get("mit_hidden_size", 512))
    mit_mlp = int(vision.get("mit_intermediate_size", 2048))
    mit_depth = int(vision.get("mit_num_hidden_layers", 1))
    message = 5 * dense(s.width, s.width) + 2 * s.width  # a projection, an attention, a norm
    prompt = 3 * joint**2 + dense(joint, joint) + 4 * joint
    prompt += dense(joint, 4 * joint) + dense(4 * joint, joint)
    parameters = (
        pixels * s.width
        + (1 + places + 1) * s.width  # class token, places
        + 4 * s.width
        + s.depth * (block_params(s.width, s.mlp, 3) + message)
        + frames * mit
        + mit_depth * block_params(mit, mit_mlp, 3)
        + 2 * s.width * joint + 2 * s.width  # of the class token and of the patches
        + int(values.get("prompt_layers", 2)) * prompt + 3 * joint
        + 1  # the temperature
        + _clip_text(config, joint)
    )  # fmt: skip
    layer = (
        frames * 5 * square + 2 * frames * frames * s.width  # the message
        + frames * ((places + 2) * 4 * square + 2 * (places + 2) ** 2 * s.width)
        + frames * (places + 1) * 2 * s.width * s.mlp
    )  # fmt: skip
    macs = (
        frames * places * pixels * s.width
        + s.depth * layer
        + frames * (1 + places) * s.width * joint
        + mit_depth * block_macs(frames, mit, mit_mlp)
    )
    return ModelCost(parameters=parameters, tokens=frames * (places + 1), gflops=gflops(macs))


def _clip_text(config: ModelConfig, joint: int) -> int:
    """Count the parameters of X-CLIP's text tower."""
    values = {key: int(config.text.get(key, usual)) for key, usual in _CLIP_TEXT.items()}
    width, mlp = values["hidden_size"], values["intermediate_size"]
    texts = values["vocab_size"] + values["max_position_embeddings"]
    layers = values["num_hidden_layers"] * block_params(width, mlp, 3)
    return texts * width + layers + 2 * width + width * joint


def videoprism_tower(config: ModelConfig) -> tuple[int, int, int]:
    """Count VideoPrism's video tower up to its pooler, which classifiers and LvT share.

    Returns:
        Its parameters, tokens and multiply-adds.
    """
    s, values = Sizes.of(config), config.vision
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
        3 * dense(s.width, inner, bias=bool(biases))
        + dense(inner, s.width)
        + inner // heads  # a scale for each of a head's numbers
        + s.width  # the query
        + 2 * s.width
    )
    pooler_macs = 2 * s.width * inner + 2 * tokens * (s.width * inner + inner)
    parameters = (
        dense(pixels, s.width)
        + (places + config.num_frames) * s.width
        + (over_places + over_time) * block_params(s.width, s.mlp, biases)
        + 4 * s.width
        + pooler_params
    )
    macs = (
        tokens * pixels * s.width
        + over_places * frames * block_macs(places, s.width, s.mlp)
        + over_time * places * block_macs(frames, s.width, s.mlp)
        + pooler_macs
    )
    return parameters, tokens, macs


def count_videoprism_lvt(config: ModelConfig) -> ModelCost:
    """Count VideoPrism-LvT: the tower, layers in which all tokens attend to all, and the text."""
    parameters, tokens, macs = videoprism_tower(config)
    s, values = Sizes.of(config), config.vision
    layers = int(values.get("num_auxiliary_layers", 2))
    biases = 3 if values.get("qkv_bias", True) else 0
    text = {key: int(config.text.get(key, usual)) for key, usual in _PRISM_TEXT.items()}
    width, mlp = text["hidden_size"], text["intermediate_size"]
    text_biases = 3 if config.text.get("qkv_bias", True) else 0
    return ModelCost(
        parameters=parameters
        + layers * block_params(s.width, s.mlp, biases)
        + text["vocab_size"] * width
        + text["num_hidden_layers"] * block_params(width, mlp, text_biases)
        + 3 * width,
        tokens=tokens,
        gflops=gflops(macs + layers * block_macs(tokens, s.width, s.mlp)),
    )
