"""Tiny video-text models with random weights and a tokenizer, in the hub's own format."""

import json
from pathlib import Path
from typing import Any

from tiny_models import preprocessor_values

WORD_ARCHITECTURES = ("xclip", "videoprism")

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,'-()"


def make_tiny_word_model(
    folder: Path,
    architecture: str = "xclip",
    *,
    labels: list[str] | None = None,
    image_size: int = 32,
    num_frames: int = 8,
    seed: int = 0,
    max_tokens: int = 40,
    own: dict[str, Any] | None = None,
) -> Path:
    """Write a random video-text model in the hub's format.

    Args:
        folder: where to; made if it is missing.
        architecture: one of `WORD_ARCHITECTURES`.
        labels: what it names without words; Kinetics' where `None`, as on the hub.
        image_size: height and width; a multiple of 16.
        num_frames: per clip.
        seed: of the weights.
        max_tokens: that its text tower reads.
        own: what config.json says under `vidtag`.

    Returns:
        The folder.
    """
    import torch
    from safetensors.torch import save_file

    config, model = _build(architecture, image_size, num_frames, max_tokens, seed)
    folder.mkdir(parents=True, exist_ok=True)
    values = config.to_dict()
    values["architectures"] = [type(model).__name__]
    if labels is not None:
        values["id2label"] = dict(enumerate(labels))
        values["label2id"] = {label: index for index, label in enumerate(labels)}
    if own is not None:
        values["vidtag"] = own
    (folder / "config.json").write_text(json.dumps(values, indent=2, sort_keys=True))
    kind = "videomae" if architecture == "xclip" else "videoprism_vision_model"
    name, preprocessor = preprocessor_values(kind, image_size)
    (folder / name).write_text(json.dumps(preprocessor, indent=2))
    tensors = {key: value.contiguous().clone() for key, value in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    make_tokenizer(architecture).save_pretrained(folder)
    torch.manual_seed(0)
    return folder


def make_tokenizer(architecture: str) -> Any:
    """Make a tokenizer that spells words, of the class that the architecture has."""
    import transformers

    if architecture == "xclip":
        pieces = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
        pieces += ["<|startoftext|>", "<|endoftext|>"]  # the end has the highest number
        vocabulary = {piece: index for index, piece in enumerate(pieces)}
        return transformers.CLIPTokenizer(vocab=vocabulary, merges=[])
    from transformers.models.videoprism.tokenization_videoprism import VideoPrismTokenizer

    scored = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    scored += [(letter, -3.0) for letter in LETTERS]
    return VideoPrismTokenizer(vocab=scored, extra_ids=0)


def _build(
    architecture: str, image_size: int, num_frames: int, max_tokens: int, seed: int
) -> tuple[Any, Any]:
    import torch
    import transformers

    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    config: Any
    model: Any
    if architecture == "xclip":
        config = transformers.XCLIPConfig(
            text_config={
                **sizes,
                "num_hidden_layers": 2,
                "vocab_size": 2 * len(LETTERS) + 2,
                "max_position_embeddings": max_tokens,
            },
            vision_config={
                **sizes,
                "num_hidden_layers": 2,
                "image_size": image_size,
                "patch_size": 16,
                "num_frames": num_frames,
                "mit_hidden_size": 24,
                "mit_intermediate_size": 48,
                "mit_num_attention_heads": 2,
            },
            projection_dim=24,
            prompt_num_attention_heads=2,
        )
        model = transformers.XCLIPModel(config).eval()
    elif architecture == "videoprism":
        config = transformers.VideoPrismConfig(
            text_config={
                **sizes,
                "num_hidden_layers": 2,
                "vocab_size": len(LETTERS) + 4,
                "max_position_embeddings": max_tokens,
            },
            vision_config={
                **sizes,
                "image_size": image_size,
                "num_frames": num_frames,
                "tubelet_size": [1, 16, 16],
                "num_spatial_layers": 2,
                "num_temporal_layers": 1,
                "num_auxiliary_layers": 1,
            },
        )
        model = transformers.VideoPrismClipModel(config).eval()
    else:
        raise ValueError(f"no tiny model for {architecture!r}; there are {WORD_ARCHITECTURES}")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):  # zeros would hide a bias that was lost
                parameter.normal_(0, 0.1)
            elif parameter.ndim > 1:  # so that logits of different clips differ by more than noise
                parameter.normal_(0, 0.2)
    return config, model
