"""All choices of a run by name, as a program gives them: those of the model and of the tagging."""

import dataclasses
import os
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal, TypedDict

from vidtag.models.classifier import Classifier
from vidtag.models.options import LoadOptions
from vidtag.tagging.settings import Settings
from vidtag.timeline.segments import SegmentRule
from vidtag.video.options import Part

Seconds = float | Fraction


class Choices(TypedDict, total=False):
    """What `Tagger` takes by name; each means what the option of this name means."""

    revision: str | None
    device: str
    engine: str
    precision: str
    fast: bool
    batch_size: int | None
    labels: Sequence[str] | None
    template: str | None
    background: Literal["auto", "none"]
    offline: bool
    top_k: int
    window_seconds: Seconds | None
    stride_seconds: Seconds | None
    average: Literal["logits", "probs"]
    min_score: float
    min_duration_seconds: Seconds
    merge_gap_seconds: Seconds
    start: Seconds
    end: Seconds | None
    max_pixels: int


def take_choices(
    model: str | os.PathLike[str] | LoadOptions | Classifier | None,
    settings: Settings,
    choices: Choices,
) -> tuple[LoadOptions | Classifier, Settings]:
    """Lay choices by name over a model and settings.

    Raises:
        TypeError: There is no choice of this name, or it is about loading a model that is loaded.
    """
    given: dict[str, Any] = dict(choices)
    part = {name: given.pop(name) for name in _names(Part) if name in given}
    if given.get("offline"):
        part["network"] = False
    rule = {name: given.pop(name) for name in _names(SegmentRule) if name in given}
    own = {name: given.pop(name) for name in _names(Settings) if name in given}
    load = {name: given.pop(name) for name in _names(LoadOptions) if name in given}
    if given:
        raise TypeError(f"Tagger has no choice '{next(iter(given))}'")
    if model is None or isinstance(model, str | os.PathLike):
        model = LoadOptions(model=model, **load)
    elif isinstance(model, LoadOptions):
        model = dataclasses.replace(model, **load)
    elif load.keys() - {"offline"}:
        raise TypeError(f"'{next(iter(load))}' is a choice for loading, but the model is loaded")
    return model, dataclasses.replace(
        settings,
        **own,
        read=dataclasses.replace(settings.read, **part),
        rule=dataclasses.replace(settings.rule, **rule),
    )


def _names(kind: type[Any]) -> list[str]:
    others = ("model", "rule", "read", "network", "show_progress")
    return [field.name for field in dataclasses.fields(kind) if field.name not in others]
