"""The result document: one typed value per video, which every output format renders.

Owns the JSON, schema version 1: the fields of these classes are the fields of the document,
in this order. Times are rounded to milliseconds and scores to six decimals here and nowhere
else. `vidtag schema` prints the JSON Schema, which is made from these classes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from vidtag.errors import VidtagError
from vidtag.seconds import milliseconds
from vidtag.text import encodable

SCHEMA_VERSION: Literal[1] = 1


_CONFIG = {"use_attribute_docstrings": True}


def round_score(score: float) -> float:
    """Round a score to six decimals."""
    return round(float(score), 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRecord:
    """What was read of the video."""

    __pydantic_config__ = _CONFIG

    path: str
    """The input as the user named it; bytes that are no UTF-8 stand as U+FFFD."""
    size_bytes: int | None
    """Size of the file; null for streams."""
    container: str
    """FFmpeg's name of the container format; `array` for pictures from a program."""
    codec: str
    """FFmpeg's name of the codec."""
    width: int
    """Width of the picture that a viewer sees, in pixels."""
    height: int
    """Height of the picture that a viewer sees, in pixels."""
    rotation_degrees: int
    """Clockwise rotation that was applied: 0, 90, 180 or 270."""
    frame_rate: float | None
    """Mean frames per second, from timestamps; null for a single frame."""
    is_variable_frame_rate: bool
    """Whether the gaps between frames differ."""
    duration_seconds: float
    """Last frame's time plus its own length; the declared one where the end was not read."""
    num_frames: int
    """Frames that were decoded."""
    num_failed_packets: int
    """Packets that could not be decoded."""
    content_id: str | None
    """`sha256:` and the hash of the whole file; null for streams, and for a file that changed
    while it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """The model that was run."""

    __pydantic_config__ = _CONFIG

    id: str
    """Hub id, folder or alias."""
    revision: str | None
    """Commit of a hub model or hash of a folder; null where neither is known."""
    num_labels: int
    """Classes that the model knows."""
    num_frames: int
    """Frames per clip."""
    image_size: int
    """Height and width of the frames given to the model, in pixels."""
    licence: str | None
    """Licence of the weights; null where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRecord:
    """The sampling grid, as used."""

    __pydantic_config__ = _CONFIG

    window_seconds: float
    """Length of a window."""
    stride_seconds: float
    """Time between the starts of two windows: a whole number of sampling intervals."""
    num_windows: int
    """Windows that were scored."""
    average: Literal["logits", "probs"]
    """How windows were averaged."""
    start_seconds: float
    """Start of the tagged part."""
    end_seconds: float
    """End of the tagged part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsRecord:
    """Settings that shape tags and segments."""

    __pydantic_config__ = _CONFIG

    top_k: int
    """Tags per step and for the video."""
    min_score: float
    """Score at which a segment opens."""
    min_duration_seconds: float
    """Shorter segments were dropped."""
    merge_gap_seconds: float
    """Gaps up to this were bridged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRecord:
    """What ran the model."""

    __pydantic_config__ = _CONFIG

    name: str
    """`torch`, `openvino`, or a plugged-in classifier's own name."""
    device: str
    """`cpu`, `cuda:0`, `mps`, …"""
    precision: str
    """`fp32`, `bf16` or `fp16`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRecord:
    """A label with its score."""

    __pydantic_config__ = _CONFIG

    label: str
    """The model's name for the class."""
    index: int
    """The class's place in the model's outputs."""
    score: float
    """Softmax of averaged logits, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """A stretch in which a label holds."""

    __pydantic_config__ = _CONFIG

    start_seconds: float
    """Start of the half-open interval."""
    end_seconds: float
    """End of the half-open interval."""
    label: str
    """The model's name for the class."""
    index: int
    """The class's place in the model's outputs."""
    score: float
    """Mean over all its steps."""
    peak_score: float
    """Score of its best step."""
    peak_seconds: float
    """Middle of its best step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRecord:
    """How long a label holds in all."""

    __pydantic_config__ = _CONFIG

    label: str
    """The model's name for the class."""
    index: int
    """The class's place in the model's outputs."""
    seconds: float
    """Length of its segments together."""
    share: float
    """Of the tagged part, in [0, 1]; labels may overlap, so shares may sum up to more."""
    score: float
    """Mean over all its segments, by their length."""
    peak_score: float
    """Score of its best step."""
    peak_seconds: float
    """Middle of its best step."""
    num_segments: int
    """Segments in which it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One row of the timeline."""

    __pydantic_config__ = _CONFIG

    start_seconds: float
    """Start of the half-open interval."""
    end_seconds: float
    """End of the half-open interval."""
    tags: tuple[TagRecord, ...]
    """The best labels, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRecord:
    """Something that changed what was done."""

    __pydantic_config__ = _CONFIG

    code: str
    """Stable snake_case word."""
    message: str
    """One sentence for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingRecord:
    """How long it took; all else is the same from run to run."""

    __pydantic_config__ = _CONFIG

    total_seconds: float
    """From opening the video to its last step."""
    decode_seconds: float
    """Spent reading, decoding and preparing frames."""
    model_seconds: float
    """Spent in the model."""
    realtime_factor: float
    """Seconds of video per second of work."""
    from_cache: bool
    """Whether every window's scores were stored ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """All that vidtag says of one video."""

    __pydantic_config__ = _CONFIG

    schema_version: Literal[1]
    """1; fields may be added within a version, never renamed or removed."""
    vidtag_version: str
    """The vidtag that made it."""
    video: VideoRecord
    model: ModelRecord
    sampling: SamplingRecord
    settings: SettingsRecord
    engine: EngineRecord
    tags: tuple[TagRecord, ...]
    """The best labels of the whole video, from the mean of all windows."""
    summary: tuple[SummaryRecord, ...] = ()
    """Each label that has a segment, the longest held first; what an older vidtag made has none."""
    segments: tuple[SegmentRecord, ...]
    """Where each label holds, in the order of their starts."""
    timeline: tuple[StepRecord, ...]
    """Steps that tile the tagged part."""
    warnings: tuple[WarningRecord, ...]
    timing: TimingRecord


def summarise(
    segments: Iterable[SegmentRecord], sampling: SamplingRecord
) -> tuple[SummaryRecord, ...]:
    """Say how long each label holds, from the segments alone: the longest held first.

    Labels that hold equally long come in the order of their first segments.
    """
    of_label: dict[int, list[SegmentRecord]] = {}
    for segment in segments:
        of_label.setdefault(segment.index, []).append(segment)
    tagged_ms = milliseconds(sampling.end_seconds) - milliseconds(sampling.start_seconds)
    summary = []
    for own in of_label.values():
        lengths = [milliseconds(s.end_seconds) - milliseconds(s.start_seconds) for s in own]
        held_ms = sum(lengths)
        # One that is shorter than half a millisecond still has a score.
        weights = lengths if held_ms else [1] * len(own)
        weighted = sum(s.score * weight for s, weight in zip(own, weights, strict=True))
        best = max(own, key=lambda s: (s.peak_score, -s.peak_seconds))
        summary.append(
            SummaryRecord(
                label=own[0].label,
                index=own[0].index,
                seconds=held_ms / 1000,
                share=round_score(min(held_ms / tagged_ms, 1.0) if tagged_ms else 1.0),
                score=round_score(weighted / sum(weights)),
                peak_score=best.peak_score,
                peak_seconds=best.peak_seconds,
                num_segments=len(own),
            )
        )
    return tuple(sorted(summary, key=lambda label: -label.seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedVideo:
    """The input of a failed run."""

    __pydantic_config__ = _CONFIG

    path: str
    """The input as the user named it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """Why an input could not be tagged."""

    __pydantic_config__ = _CONFIG

    code: str
    """Stable snake_case word."""
    message: str
    """What failed, on what, and what to try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An input that could not be tagged."""

    __pydantic_config__ = _CONFIG

    schema_version: Literal[1]
    """1"""
    vidtag_version: str
    """The vidtag that made it."""
    video: FailedVideo
    error: ErrorRecord


def make_failure(path: str, error: VidtagError, vidtag_version: str) -> Failure:
    """Record an input that failed."""
    return Failure(
        schema_version=SCHEMA_VERSION,
        vidtag_version=vidtag_version,
        video=FailedVideo(path=encodable(path)),
        error=ErrorRecord(code=error.code, message=encodable(str(error))),
    )
