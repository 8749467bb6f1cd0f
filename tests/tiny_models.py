"""Tiny models with random weights, in the hub's own format: the real classes, few numbers.

`make_tiny_model(folder)` gives a folder that `vidtag --model folder` and transformers
load. The preprocessor configs are those that the hub's repositories carry, but for the
size of the pictures.
"""

import json
from pathlib import Path
from typing import Any

from vidtag import LoadOptions

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

ARCHITECTURES = ("videomae", "timesformer", "vivit", "vjepa2", "videoprism_vision_model")


def kinetics_labels() -> list[str]:
    """400 made-up but distinct names where a test wants as many as Kinetics has."""
    return [f"action {index:03d}" for index in range(400)]


def on_torch(model: Path) -> LoadOptions:
    """Load a model where the same bits come of it everywhere: on the CPU, in single precision."""
    return LoadOptions(model=model, device="cpu", engine="torch", precision="fp32")


def preprocessor_values(architecture: str, image_size: int) -> tuple[str, dict[str, Any]]:
    """Give the file's name and content as the hub's repositories have them."""
    crop: dict[str, int] = {"height": image_size, "width": image_size}
    if architecture == "vjepa2":
        return "video_preprocessor_config.json", {
            "crop_size": crop,
            "do_center_crop": True,
            "do_convert_rgb": None,
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": IMAGENET_MEAN,
            "image_std": IMAGENET_STD,
            "resample": 2,
            "rescale_factor": 1 / 255,
            "size": {"shortest_edge": int(image_size * 256 / 224)},
            "video_processor_type": "VJEPA2VideoProcessor",
        }
    if architecture == "videoprism_vision_model":
        return "video_preprocessor_config.json", {
            "do_convert_rgb": True,
            "do_normalize": False,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
            "resample": 3,
            "rescale_factor": 1 / 255,
            "size": crop,
            "video_processor_type": "LlavaOnevisionVideoProcessor",
        }
    if architecture == "vivit":
        return "preprocessor_config.json", {
            "crop_size": crop,
            "do_center_crop": True,
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": [0.5, 0.5, 0.5],
            "image_processor_type": "VivitImageProcessor",
            "image_std": [0.5, 0.5, 0.5],
            "offset": True,
            "resample": 2,
            "rescale_factor": 1 / 127.5,
            "size": {"shortest_edge": round(image_size * 256 / 224)},
        }
    timesformer = architecture == "timesformer"
    return "preprocessor_config.json", {
        "crop_size": crop,
        "do_center_crop": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "feature_extractor_type": "VideoMAEFeatureExtractor",
        "image_mean": [0.45, 0.45, 0.45] if timesformer else IMAGENET_MEAN,
        "image_processor_type": "VideoMAEImageProcessor",
        "image_std": [0.225, 0.225, 0.225] if timesformer else IMAGENET_STD,
        "resample": 2,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": image_size},
    }


def make_tiny_model(
    folder: Path,
    architecture: str = "videomae",
    *,
    num_labels: int = 5,
    labels: list[str] | None = None,
    image_size: int = 32,
    num_frames: int | None = None,
    hidden_size: int = 32,
    seed: int = 0,
    legacy_biases: bool = False,
    pickle: bool = False,
    head: bool = True,
) -> Path:
    """Write a random model in the hub's format.

    Args:
        folder: where to; made if it is missing.
        architecture: one of `ARCHITECTURES`.
        num_labels: how many classes, unless `labels` names them; 400 gets Kinetics-like names.
        labels: their names.
        image_size: height and width; a multiple of 16 (V-JEPA 2 and the rest alike).
        num_frames: per clip; the architecture's own number where `None`, but 8 for V-JEPA 2 and
            VideoPrism.
        hidden_size: width of the transformer; a multiple of 4.
        seed: of the weights.
        legacy_biases: name VideoMAE's biases q_bias and v_bias, as all published ones do.
        pickle: write pytorch_model.bin and no safetensors, as the TimeSformer repositories do.
        head: `False` writes a checkpoint that was never fine-tuned.

    Returns:
        The folder.
    """
    import torch
    from safetensors.torch import save_file

    if labels is None:
        labels = (
            kinetics_labels() if num_labels == 400 else [f"action {i}" for i in range(num_labels)]
        )
    config, model = _build(architecture, labels, image_size, num_frames, hidden_size, seed)
    folder.mkdir(parents=True, exist_ok=True)
    values = config.to_dict()
    values["architectures"] = [type(model).__name__]
    values["model_type"] = architecture
    (folder / "config.json").write_text(json.dumps(values, indent=2, sort_keys=True))
    name, preprocessor = preprocessor_values(architecture, image_size)
    (folder / name).write_text(json.dumps(preprocessor, indent=2))

    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    if legacy_biases:
        tensors = _legacy(tensors)
    if not head:
        tensors = {k: v for k, v in tensors.items() if not k.startswith("classifier.")}
    if pickle:
        torch.save(tensors, folder / "pytorch_model.bin")
    else:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def convert(folder: Path) -> Path:
    """Convert a model in this process, so that those that a test starts need not load torch."""
    from vidtag.models.load import load_classifier
    from vidtag.models.options import LoadOptions

    load_classifier(LoadOptions(model=folder))
    return folder


def _legacy(tensors: dict[str, Any]) -> dict[str, Any]:
    """Name VideoMAE's biases as all published checkpoints do."""
    return {
        key.replace("attention.query.bias", "attention.q_bias").replace(
            "attention.value.bias", "attention.v_bias"
        ): value
        for key, value in tensors.items()
    }


def _build(
    architecture: str,
    labels: list[str],
    image_size: int,
    num_frames: int | None,
    hidden_size: int,
    seed: int,
) -> tuple[Any, Any]:
    import torch
    import transformers

    names = dict(enumerate(labels))
    shared: dict[str, Any] = {
        "hidden_size": hidden_size,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "id2label": names,
        "label2id": {label: index for index, label in names.items()},
        "initializer_range": 0.2,  # so that logits of different clips differ by more than noise
    }
    usual: dict[str, Any] = {"image_size": image_size, "intermediate_size": 2 * hidden_size}
    config: Any
    cls: Any
    if architecture == "videomae":
        config = transformers.VideoMAEConfig(
            **shared, **usual, num_frames=num_frames or 16, use_mean_pooling=True
        )
        cls = transformers.VideoMAEForVideoClassification
    elif architecture == "timesformer":
        config = transformers.TimesformerConfig(**shared, **usual, num_frames=num_frames or 8)
        cls = transformers.TimesformerForVideoClassification
    elif architecture == "vivit":
        config = transformers.VivitConfig(**shared, **usual, num_frames=num_frames or 32)
        cls = transformers.VivitForVideoClassification
    elif architecture == "vjepa2":
        config = transformers.VJEPA2Config(
            **shared,
            crop_size=image_size,
            frames_per_clip=num_frames or 8,
            mlp_ratio=2.0,
            pred_hidden_size=24,
            pred_num_attention_heads=2,
            pred_num_hidden_layers=1,
            pred_mlp_ratio=2.0,
            num_pooler_layers=1,
        )
        cls = transformers.VJEPA2ForVideoClassification
    elif architecture == "videoprism_vision_model":
        del shared["num_hidden_layers"]
        config = transformers.VideoPrismVisionConfig(
            **shared,
            **usual,
            num_frames=num_frames or 8,
            tubelet_size=[1, 16, 16],
            num_spatial_layers=2,
            num_temporal_layers=1,
        )
        cls = transformers.VideoPrismForVideoClassification
    else:
        raise ValueError(f"no tiny model for {architecture!r}; there are {ARCHITECTURES}")
    torch.manual_seed(seed)
    model = cls(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):  # zeros would hide a bias that was lost
                parameter.normal_(0, 0.1)
    return config, model
