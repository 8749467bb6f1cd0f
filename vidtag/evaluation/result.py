"""An evaluation as JSON, with all that is needed to do it again."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vidtag.documents.record import round_score
from vidtag.evaluation.figures import ClassRow, Evaluation
from vidtag.evaluation.intervals import NUM_DRAWS, Figure
from vidtag.evaluation.mistakes import Confusions
from vidtag.evaluation.outcomes import Mistake, Names
from vidtag.evaluation.views import Views
from vidtag.models.classifier import ClassifierInfo
from vidtag.tagging.settings import Settings
from vidtag.text import encodable, escape_json
from vidtag.urls import hide_credentials, without_credentials
from vidtag.version import __version__

SCHEMA_VERSION = 1
"""Raised when a field is renamed or removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """An evaluation, and what was evaluated."""

    data: str
    """The labels, as the user named them."""

    model: ClassifierInfo
    """What was run."""

    settings: Settings
    """How windows were averaged, and what made a segment."""

    views: Views | None
    """The papers' protocol for clips, where it was asked for."""

    names: Names
    """Labels of the model and of the data."""

    evaluation: Evaluation
    """What came of it."""

    failures: tuple[tuple[str, str], ...]
    """Videos that could not be read, each with the reason; they count nowhere."""

    notes: tuple[str, ...]
    """Sentences on what was left out or looks odd."""

    paths: tuple[str, ...]
    """All videos that were evaluated."""


def to_json(result: Evaluated, indent: int | None = None) -> str:
    """Write an evaluation as JSON; figures are shares from 0 to 1."""
    text = json.dumps(to_dict(result), indent=indent, ensure_ascii=False, allow_nan=False)
    return escape_json(text)


def to_dict(result: Evaluated) -> dict[str, Any]:
    """Make the content of an evaluation's JSON."""
    found, info, settings = result.evaluation, result.model, result.settings
    return {
        "schema_version": SCHEMA_VERSION,
        "vidtag_version": __version__,
        "data": {
            "path": encodable(result.data),
            "num_clips": found.num_clips,
            "num_untrimmed": found.num_untrimmed,
            "untrimmed_seconds": round(found.seconds, 3),
            "num_failed": len(result.failures),
            "unknown_labels": list(result.names.unknown),
            "respelled_labels": dict(result.names.respelled),
        },
        "model": {
            "id": info.model_id,
            "revision": info.revision,
            "num_labels": result.names.num_known,
            "licence": info.licence,
        },
        "engine": {"name": info.engine, "device": info.device, "precision": info.precision,
                   "fast": info.is_fast},
        "settings": {
            "average": "probs" if result.views else settings.average,
            "views": None if result.views is None else str(result.views),
            "min_score": settings.rule.min_score,
            "min_duration_seconds": float(settings.rule.min_duration_seconds),
            "merge_gap_seconds": float(settings.rule.merge_gap_seconds),
            "num_draws": NUM_DRAWS,
        },
        "top1": _figure(found.top1),
        "top5": _figure(found.top5),
        "mean_class": _figure(found.mean_class),
        "per_second": _figure(found.per_second),
        "f1": {f"{100 * least:.0f}": _figure(one) for least, one in found.f1.items()},
        "map": {
            "activitynet": _figure(found.map_activitynet),
            "thumos": _figure(found.map_thumos),
            "at": {f"{least:.2f}": _figure(one) for least, one in found.average_precision.items()},
        },
        "ece": _figure(found.ece),
        "reliability": [
            {
                "low": round_score(one.low),
                "high": round_score(one.high),
                "total": round(one.total, 3),
                "confidence": _rounded(one.confidence),
                "accuracy": _rounded(one.accuracy),
            }
            for one in found.reliability
        ],
        "calibration": None if found.fitted is None else {
            "temperature": round_score(found.fitted.temperature),
            "is_found": found.fitted.is_found,
            "num_clips": found.fitted.num_clips,
            "ece_before": round_score(found.fitted.ece_before),
            "ece_after": round_score(found.fitted.ece_after),
        },
        "classes": [_class(row) for row in found.classes],
        "confusions": {
            "clips": _pairs(found.clip_confusions),
            "seconds": _pairs(found.time_confusions),
        },
        "mistakes": [_mistake(one) for one in found.mistakes],
        "failures": [
            {
                "path": encodable(without_credentials(path)),
                "message": encodable(hide_credentials(message, [path])),
            }
            for path, message in result.failures
        ],
        "notes": [encodable(note) for note in result.notes],
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round_score(value)


def _figure(one: Figure | None) -> dict[str, float | None] | None:
    if one is None:
        return None
    return {"value": round_score(one.value), "low": _rounded(one.low), "high": _rounded(one.high)}


def _class(row: ClassRow) -> dict[str, Any]:
    return {
        **asdict(row),
        "seconds": round(row.seconds, 3),
        "right_seconds": round(row.right_seconds, 3),
        "average_precision": _rounded(row.average_precision),
    }


def _pairs(confusions: Confusions | None) -> Sequence[dict[str, Any]]:
    if confusions is None:
        return []
    return [
        {"true": true, "said": said, "amount": round(amount, 3)}
        for true, said, amount in confusions.pairs()
    ]


def _mistake(one: Mistake) -> dict[str, Any]:
    return {
        "path": encodable(without_credentials(one.path)),
        "seconds": round(one.seconds, 3),
        "start_seconds": None if one.start is None else round(one.start, 3),
        "end_seconds": None if one.end is None else round(one.end, 3),
        "true": list(one.true),
        "said": one.said,
        "score": _rounded(one.score),
    }
