"""What a model's config.json says, checked and typed, without torch or transformers.

Owns the reading of config.json: architecture, sizes, labels. Refuses what vidtag cannot
run before anything heavy is imported.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidtag.models.architectures import ARCHITECTURES, FITTED, Architecture, find_kind
from vidtag.models.refusals import mismatch, refuse, shortened
from vidtag.models.words.lists import read_vocabulary

SAMPLES_PER_SECOND = 8
"""Of a model that brings no window: 16 frames in 2 s, as VideoMAE on Kinetics."""


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

    own: Mapping[str, Any] = field(default_factory=dict)
    """What it says under `vidtag`: of a model that was made with vidtag."""

    @property
    def vision(self) -> Mapping[str, Any]:
        """The numbers of the tower that sees the video."""
        return _section(self.values, self.kind.section)

    @property
    def text(self) -> Mapping[str, Any]:
        """The numbers of the tower that reads text; none of a model that has no such tower.

        It is there, and unused, also where labels were fitted to what the other tower sees.
        """
        text = ARCHITECTURES[self.architecture].text
        return {} if text is None else _section(self.values, text.section)

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that the model reads."""
        assert self.kind.text is not None  # asked of video-text models alone
        return int(self.text.get("max_position_embeddings", self.kind.text.max_tokens))

    def own_seconds(self, key: str) -> Fraction | None:
        """Give a length that a model made with vidtag brings: `window_seconds`, say."""
        return None if key not in self.own else Fraction(str(self.own[key]))

    @property
    def num_none(self) -> int:
        """How many of the classes, the last ones, stand for none of the labels: one, or none."""
        none_label = self.own.get("none_label")
        return int(none_label is not None and self.labels[-1] == none_label)

    @property
    def own_labels(self) -> tuple[str, ...]:
        """Names of the classes that are labels."""
        return self.labels[: len(self.labels) - self.num_none]

    @property
    def temperature(self) -> float:
        """What logits are divided by: fitted on videos that the model had not seen; or 1."""
        return float(self.own.get("temperature", 1))

    @property
    def calibrated_on(self) -> int | None:
        """On how many clips or videos that was fitted."""
        number = self.own.get("calibrated_on")
        return None if number is None else int(number)

    @property
    def still_threshold(self) -> float | None:
        """How far normalised pixels may differ and still be called still: its own, or the usual.

        `None` where its architecture can't leave tokens out.
        """
        usual = self.kind.still_threshold
        own = self.own.get("still_threshold")
        return usual if usual is None or own is None else float(own)

    @property
    def kind(self) -> Architecture:
        """What is true of every model of its architecture."""
        kind = find_kind(self.architecture, self.own)
        assert kind is not None  # `parse_config` found it
        return kind

    @property
    def has_fitted_head(self) -> bool:
        """Whether it is a video-text model that was trained to tell labels of its own apart."""
        return self.kind is FITTED.get(self.architecture)

    @property
    def processor(self) -> str:
        """The processor class for files that name none: config.json's own, or the usual one."""
        named = self.values.get("video_processor_type") or self.values.get("image_processor_type")
        return str(named or self.kind.processor)


def read_config(folder: Path, model: str) -> ModelConfig:
    """Read config.json of a model folder.

    Args:
        folder: The model's files.
        model: The model as the user named it, for errors.

    Raises:
        ModelLoadError: There is none, or it is no video classifier's.
        ModelMismatchError: Its outputs are no ranking: several labels at once, one, or quantities.
    """
    path = folder / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise refuse(
            model, "not_a_model", "there is no config.json; name a folder in the hub's format"
        ) from exc
    except (OSError, UnicodeDecodeError, ValueError) as exc:
        raise refuse(
            model, "bad_config", f"its config.json can't be read ({shortened(exc)}); get it again"
        ) from exc
    return parse_config(values, model)


def default_window(config: ModelConfig) -> tuple[Fraction, Fraction]:
    """Give the window and stride that suit a model: as it was trained, or 8 samples a second.

    They follow from the model itself, so that its name and place make no difference.
    """
    usual = Fraction(1, SAMPLES_PER_SECOND)
    window = config.num_frames * config.kind.frame_seconds.get(config.num_frames, usual)
    window = config.own_seconds("window_seconds") or config.kind.window_seconds or window
    return window, config.own_seconds("stride_seconds") or window / 2


def parse_config(values: object, model: str) -> ModelConfig:
    """Check the content of a config.json."""
    if not isinstance(values, dict):
        raise refuse(model, "bad_config", "its config.json is no JSON object; get it again")
    architecture = values.get("model_type")
    if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
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
            f"its type is {shortened(repr(architecture), 40)}, which is no video classifier; "
            f"{_titles()} are",
        )
    if values.get("problem_type") == "multi_label_classification":
        raise mismatch(
            model,
            "multi_label",
            "it was made for several labels at once, and vidtag ranks one against another",
        )
    if values.get("problem_type") == "regression":
        raise mismatch(
            model,
            "regression",
            "it was made to estimate quantities (problem_type in its config.json), and vidtag "
            "ranks actions; train it with labels, or take --model base",
        )
    if values.get("transformers_weights") not in (None, "model.safetensors"):
        raise refuse(
            model,
            "bad_config",
            "its config.json names weights of its own (transformers_weights); load it with "
            "transformers once and save it again with save_pretrained",
        )
    try:
        own = _own(values)
        kind = find_kind(architecture, own) or ARCHITECTURES[architecture]
        vision, text = _section(values, kind.section), kind.text
        if text is not None:
            key = "max_position_embeddings"
            _count(_section(values, text.section).get(key, text.max_tokens), key)
        config = ModelConfig(
            architecture=architecture,
            num_frames=_count(vision.get(kind.frames_key, kind.num_frames), kind.frames_key),
            image_size=_side(vision.get(kind.size_key, kind.image_size), kind.size_key),
            labels=_labels(values) if text is None else _names(values),
            values=values,
            own=own,
        )
    except (ValueError, TypeError) as exc:
        raise refuse(model, "bad_config", f"config.json is odd: {shortened(exc)}") from exc
    if len(config.labels) == 1:
        raise mismatch(
            model,
            "one_label",
            f"it knows {shortened(config.labels[0], 40)!r} alone, which would score 1.00 "
            "everywhere; train it with a second class, such as 'something else'",
        )
    return config


def _section(values: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """Find a tower's numbers; those that are not there are transformers' own."""
    section = values if name is None else values.get(name) or {}
    if not isinstance(section, dict):
        raise ValueError(f"{name} is no object")
    return section


def _own(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check what a config says under `vidtag`."""
    own = values.get("vidtag") or {}
    if not isinstance(own, dict):
        raise ValueError("vidtag is no object")
    for key in ("window_seconds", "stride_seconds"):
        seconds = own.get(key, 1)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            raise ValueError(f"{key} is {seconds!r}")
    for key in ("still_threshold", "temperature"):
        number = own.get(key, 1)
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not 0 < number < math.inf:
            raise ValueError(f"{key} is {number!r}")
    if own.get("calibrated_on") is not None:
        _count(min(own["calibrated_on"], 1), "calibrated_on")
    if not isinstance(own.get("none_label", ""), str):
        raise ValueError("none_label is no text")
    nothing = own.get("nothing", [])
    if not isinstance(nothing, list) or not all(isinstance(one, str) for one in nothing):
        raise ValueError("nothing is no list of phrases")
    return own


def _titles() -> str:
    *titles, last = (kind.title for kind in ARCHITECTURES.values())
    return f"{', '.join(titles)} and {last}"


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


def _names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what a video-text model tells apart without words: its own names, or Kinetics'.

    A config that transformers saved may number two classes that the model does not have.
    """
    id2label = values.get("id2label")
    if isinstance(id2label, dict) and len(id2label) > 1:
        labels = _labels(values)
        if not all(label == f"LABEL_{index}" for index, label in enumerate(labels)):
            return labels
    return read_vocabulary("kinetics400")


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
