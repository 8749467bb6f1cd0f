"""What a model's config.json says, checked and typed, without torch or transformers.

Owns the reading of config.json: architecture, sizes, labels. Refuses what vidtag cannot
run before anything heavy is imported.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidtag.models.failures import mismatch, one_line, refuse

ARCHITECTURES = ("videomae", "timesformer", "vivit", "vjepa2", "videoprism_vision_model")
"""`model_type` of the video classifiers. Source: transformers 5.23, modeling_auto.py."""

_DEFAULTS: Mapping[str, Mapping[str, int]] = {
    "videomae": {"num_frames": 16, "image_size": 224},
    "timesformer": {"num_frames": 8, "image_size": 224},
    "vivit": {"num_frames": 32, "image_size": 224},
    "vjepa2": {"num_frames": 64, "image_size": 256},
    "videoprism_vision_model": {"num_frames": 16, "image_size": 288},
}
"""What config.json means where it is silent. Source: the configuration classes there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What is known of a model before its weights are read."""

    architecture: str
    """`model_type` of config.json, one of `ARCHITECTURES`."""

    num_frames: int
    """Frames per clip."""

    image_size: int
    """Height and width of a frame, in pixels."""

    labels: tuple[str, ...]
    """Names of the classes, in the order of the logits; no two alike."""

    values: Mapping[str, Any]
    """config.json as it stands, for `vidtag.models.describe`."""

    @property
    def input_name(self) -> str:
        """The forward pass's argument that takes the clip."""
        if self.architecture in ("vjepa2", "videoprism_vision_model"):
            return "pixel_values_videos"
        return "pixel_values"


def read_config(folder: Path, model: str) -> ModelConfig:
    """Read config.json of a model folder.

    Args:
        folder: the model's files.
        model: the model as the user named it, for errors.

    Raises:
        ModelLoadError: there is none, or it is no video classifier's.
        ModelMismatchError: it is a model for several labels at once.
    """
    path = folder / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise refuse(
            model, "not_a_model", "there is no config.json; name a folder in the hub's format"
        ) from exc
    except (OSError, UnicodeDecodeError, ValueError) as exc:
        raise refuse(model, "bad_config", f"config.json cannot be read ({one_line(exc)})") from exc
    return parse_config(values, model)


def parse_config(values: object, model: str) -> ModelConfig:
    """Check the content of a config.json."""
    if not isinstance(values, dict):
        raise refuse(model, "bad_config", "config.json is no JSON object")
    architecture = values.get("model_type")
    if architecture not in ARCHITECTURES:
        if values.get("auto_map"):
            raise refuse(
                model,
                "remote_code",
                "it needs Python code from its repository, which vidtag never runs; "
                "try a model that transformers knows, such as --model base",
            )
        raise refuse(
            model,
            "unsupported_model",
            f"its type is {architecture!r}, which is no video classifier; "
            "VideoMAE, TimeSformer, ViViT and V-JEPA 2 are",
        )
    if values.get("problem_type") == "multi_label_classification":
        raise mismatch(
            model,
            "multi_label",
            "it was made for several labels at once, and vidtag ranks one against another",
        )
    defaults = _DEFAULTS[architecture]
    frames_key, size_key = (
        ("frames_per_clip", "crop_size")
        if architecture == "vjepa2"
        else ("num_frames", "image_size")
    )
    try:
        return ModelConfig(
            architecture=architecture,
            num_frames=_count(values.get(frames_key, defaults["num_frames"]), frames_key),
            image_size=_side(values.get(size_key, defaults["image_size"]), size_key),
            labels=_labels(values),
            values=values,
        )
    except (ValueError, TypeError) as exc:
        raise refuse(model, "bad_config", f"config.json is odd: {one_line(exc)}") from exc


def _count(value: object, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65_536:
        raise ValueError(f"{key} is {value!r}")
    return value


def _side(value: object, key: str) -> int:
    if isinstance(value, list) and len(value) == 2:
        if value[0] != value[1]:
            raise ValueError(f"{key} is {value!r}, and vidtag needs squares")
        value = value[0]
    return _count(value, key)


def _labels(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Read id2label as transformers does: its keys are numbers in quotes."""
    id2label = values.get("id2label")
    if id2label is None:
        count = values.get("num_labels", 2)
        return tuple(f"LABEL_{index}" for index in range(_count(count, "num_labels")))
    if not isinstance(id2label, dict) or not id2label:
        raise ValueError("id2label is no object with labels")
    names = {int(key): value for key, value in id2label.items()}
    if sorted(names) != list(range(len(names))):
        raise ValueError(f"id2label does not number its {len(names)} labels from 0")
    return unique_labels([names[index] for index in range(len(names))])


def unique_labels(names: Sequence[object]) -> tuple[str, ...]:
    """Give each class a name of its own.

    A class without a name is LABEL_n as in transformers; names that several classes bear
    get their number.

    >>> unique_labels(["run", None, "sit", "run"])
    ('run (class 0)', 'LABEL_1', 'sit', 'run (class 3)')
    """
    texts = [
        " ".join(str(name).split()) if name not in (None, "") else f"LABEL_{index}"
        for index, name in enumerate(names)
    ]
    counts = Counter(texts)
    return tuple(
        f"{text} (class {index})" if counts[text] > 1 else text for index, text in enumerate(texts)
    )
