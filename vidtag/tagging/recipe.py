"""What shapes a result, listed once.

`score_facts` is all that shapes the logits of a window: stored scores are found by it.
`Fingerprint` is all that shapes a result, in the words of the JSON document: `--skip-existing`
compares it. A new option that changes a number belongs into one of the two. What shapes a
converted model is a part of the former, listed by `vidtag.models.conversions`, which stands
below.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Self

from vidtag.seconds import round_seconds
from vidtag.version import __version__

if TYPE_CHECKING:  # heavy, and only read from
    from vidtag.clips.grid import Grid
    from vidtag.models.classifier import ClassifierInfo
    from vidtag.tagging.settings import Settings
    from vidtag.video.options import Part

Record = Mapping[str, Any]
"""What a result was made from and how, in the words of the JSON document."""


def score_facts(
    info: "ClassifierInfo", grid: "Grid", part: "Part", *, suffix: str
) -> dict[str, str] | None:
    """List all that shapes the logits of a file's windows, besides its content.

    Args:
        info: The model, and what runs it.
        grid: Where windows start and where their samples lie.
        part: Which part of the video is read.
        suffix: Of the file's name; FFmpeg looks at it, too.

    Returns:
        `None` for a model that can't be told from another one.
    """
    from vidtag.clips.preparing import PREPARATION_VERSION

    if info.identity is None:
        return None
    return {
        "vidtag": __version__,
        **{name: _installed(name) for name in ("av", "numpy", "pillow", info.engine)},
        "suffix": suffix,
        "model": info.identity,
        "engine": info.engine,
        "device": info.device.split(":")[0],
        "precision": info.precision,
        "batch_size": str(info.batch_size),
        **({"still_threshold": str(info.still_threshold)} if info.is_fast else {}),
        **({"calibration": repr(info.calibration)} if info.calibration else {}),
        "preparation": str(PREPARATION_VERSION),
        "grid": repr(grid),
        "part": f"{part.start} {part.end} {part.max_pixels}",
        **_words_facts(info),
    }


def _words_facts(info: "ClassifierInfo") -> dict[str, str]:
    """List what words add: where features are stored, other words find them, too."""
    if info.feature_size is not None:
        return {"rows": "features"}
    return {} if info.words is None else {"words": repr(info.words)}


@functools.cache  # reading it takes 2 ms, and there may be thousands of videos
def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a result must have been made with, to be taken as done.

    The engine, device and precision count only where they were asked for: what `auto` stands for
    may differ from one machine to the next without making the work undone.
    """

    vidtag_version: str
    model_id: str | None
    """`None` for a folder: its revision is its content, and its name may be spelt in many ways."""
    model_revision: str | None
    """Without one, the model can't be told from another, and nothing is taken as done."""
    window_seconds: float
    stride_seconds: float
    average: str
    start_seconds: float
    end_seconds: float | None
    """As asked for; `None` is the video's end."""
    top_k: int
    min_score: float
    min_duration_seconds: float
    merge_gap_seconds: float
    is_fast: bool = False
    """Whether patches that stand still were computed once."""
    calibrated_on: tuple[str, ...] | None = None
    """Of a run in int8: the videos that it was calibrated on."""
    only: tuple[str, ...] | None = None
    """Patterns of the labels that are in it; `None` where all are."""
    words: Record | None = None
    """Labels in the user's own words, with their template and what they competed with."""
    engine: str | None = None
    device: str | None = None
    precision: str | None = None

    @classmethod
    def of(
        cls,
        settings: "Settings",
        info: "ClassifierInfo",
        grid: "Grid",
        *,
        engine: str | None = None,
        device: str | None = None,
        precision: str | None = None,
    ) -> Self:
        """Take it from what a run is made with.

        Args:
            settings: What is asked of every video.
            info: The model; only its id and revision count.
            grid: The windows as used.
            engine: As asked for; `None` for `auto`.
            device: As asked for; `None` for `auto`.
            precision: As asked for; `None` for `auto`.
        """
        end = settings.read.end
        return cls(
            vidtag_version=__version__,
            model_id=info.model_id if info.identity != info.revision else None,
            model_revision=info.revision,
            window_seconds=round_seconds(grid.window_seconds),
            stride_seconds=round_seconds(grid.stride_seconds),
            average=settings.average,
            start_seconds=round_seconds(grid.start_seconds),
            end_seconds=None if end is None else round_seconds(end),
            top_k=settings.top_k,
            min_score=settings.rule.min_score,
            min_duration_seconds=round_seconds(settings.rule.min_duration_seconds),
            merge_gap_seconds=round_seconds(settings.rule.merge_gap_seconds),
            is_fast=info.is_fast,
            calibrated_on=info.calibration.content_ids if info.calibration else None,
            words=_words_of(info),
            engine=engine,
            device=device,
            precision=precision,
        )

    def fits(self, record: Record, content_id: str | None) -> bool:
        """Tell whether a result was made from this content in this way."""
        if content_id is None or self.model_revision is None:
            return False
        try:
            return bool(record["video"]["content_id"] == content_id and self._made(record) == self)
        except (AttributeError, KeyError, TypeError):
            return False

    def _made(self, record: Record) -> Self:
        """Read how a result was made; where nothing was asked for, whatever was made will do."""
        video, model, engine = record["video"], record["model"], record["engine"]
        sampling, settings = record["sampling"], record["settings"]
        device, end = engine["device"], sampling["end_seconds"]
        asked_end, duration = self.end_seconds, video["duration_seconds"]
        if end == duration and (asked_end is None or asked_end > duration):
            end = asked_end  # all that was asked for, up to the video's own end
        if self.device == device.split(":")[0]:
            device = self.device
        return type(self)(
            vidtag_version=record["vidtag_version"],
            model_id=None if self.model_id is None else model["id"],
            model_revision=model["revision"],
            window_seconds=sampling["window_seconds"],
            stride_seconds=sampling["stride_seconds"],
            average=sampling["average"],
            start_seconds=sampling["start_seconds"],
            end_seconds=end,
            top_k=settings["top_k"],
            min_score=settings["min_score"],
            min_duration_seconds=settings["min_duration_seconds"],
            merge_gap_seconds=settings["merge_gap_seconds"],
            is_fast=bool(engine.get("fast", False)),
            calibrated_on=tuple(engine["calibrated_on"]) if "calibrated_on" in engine else None,
            only=tuple(settings["only"]) if "only" in settings else None,
            words=_words_in(model),
            engine=None if self.engine is None else engine["name"],
            device=None if self.device is None else device,
            precision=None if self.precision is None else engine["precision"],
        )


def _words_of(info: "ClassifierInfo") -> Record | None:
    words = info.words
    if words is None:
        return None
    return {
        "words": [[one.label, list(one.phrases)] for one in words.given],
        "template": words.template,
        "background": None if words.background is None else words.background.source,
    }


def _words_in(model: Record) -> Record | None:
    if "words" not in model:
        return None
    background = model.get("background")
    return {
        "words": [[one["label"], list(one["phrases"])] for one in model["words"]],
        "template": model["template"],
        "background": None if background is None else background["source"],
    }
