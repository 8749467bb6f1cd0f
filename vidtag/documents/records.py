"""The result document: one typed value per video, which every output format renders.

Owns the JSON, schema version 1: its fields, in this order. Times are rounded to milliseconds and
scores to six decimals here alone. `vidtag schema` prints the JSON Schema, made from these classes.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from html import escape
from typing import TYPE_CHECKING, Literal

from vidtag.documents.record import CONFIG, OPTIONAL, Record, round_score
from vidtag.documents.words import BackgroundRecord, WordRecord
from vidtag.errors import VidtagError
from vidtag.seconds import format_seconds, milliseconds
from vidtag.text import encodable, printable

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]

SCHEMA_VERSION: Literal[1] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRecord(Record):
    """What was read of the video."""

    __pydantic_config__ = CONFIG

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
    timecode: str | None = field(default=None, metadata=OPTIONAL)
    """The file's own time of its first picture, such as `10:00:00:00`, with `;` before the frames
    where frames are dropped from the count; only where it tells one."""
    sound_rate: int | None = field(default=None, metadata=OPTIONAL)
    """Samples per second of the first sound track; only where there is sound, as the next."""
    sound_channels: int | None = field(default=None, metadata=OPTIONAL)
    """Channels of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord(Record):
    """The model that was run."""

    __pydantic_config__ = CONFIG

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
    labels: Literal["given"] | None = field(default=None, metadata=OPTIONAL)
    """`given`: labels in the user's own words. Not there for a model's own labels, as with the
    next three."""
    words: tuple[WordRecord, ...] | None = field(default=None, metadata=OPTIONAL)
    """Those labels, in the order of their indices."""
    template: str | None = field(default=None, metadata=OPTIONAL)
    """The sentence that the model read them in, at its `{}`."""
    background: BackgroundRecord | None = field(default=None, metadata=OPTIONAL)
    """What they competed with; not there where with one another alone."""
    has_none: bool | None = field(default=None, metadata=OPTIONAL)
    """Whether the model itself has an output for none of its labels; only where it has."""
    temperature: float | None = field(default=None, metadata=OPTIONAL)
    """What the logits were divided by; only where that was fitted, as in the next field."""
    calibrated_on: int | None = field(default=None, metadata=OPTIONAL)
    """On how many clips that the model had not seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRecord(Record):
    """The sampling grid, as used."""

    __pydantic_config__ = CONFIG

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
class SettingsRecord(Record):
    """Settings that shape tags and segments."""

    __pydantic_config__ = CONFIG

    top_k: int
    """Tags per step and for the video."""
    min_score: float
    """Score at which a segment opens."""
    min_duration_seconds: float
    """Shorter segments were dropped."""
    merge_gap_seconds: float
    """Gaps up to this were bridged."""
    only: tuple[str, ...] | None = field(default=None, metadata=OPTIONAL)
    """Patterns of the labels that were kept; other labels, and a background, were left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRecord(Record):
    """What ran the model."""

    __pydantic_config__ = CONFIG

    name: str
    """`torch`, `openvino`, or a plugged-in classifier's own name."""
    device: str
    """`cpu`, `cuda:0`, `mps`, …"""
    precision: str
    """`fp32`, `bf16`, `fp16` or `int8`."""
    fast: bool | None = field(default=None, metadata=OPTIONAL)
    """True where patches that stood still were computed once, and scores are approximate. Not
    there in an exact run, as with the next."""
    still_threshold: float | None = field(default=None, metadata=OPTIONAL)
    """How far the pixels of a patch may differ, as the model gets them, and be called still."""
    calibrated_on: tuple[str, ...] | None = field(default=None, metadata=OPTIONAL)
    """Content ids of the videos that int8 was calibrated on; not there in another precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRecord(Record):
    """A label with its score."""

    __pydantic_config__ = CONFIG

    label: str
    """The model's name for the class."""
    index: int
    """The class's place in the model's outputs."""
    score: float
    """Softmax of averaged logits, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord(Record):
    """A stretch in which a label holds."""

    __pydantic_config__ = CONFIG

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
class SummaryRecord(Record):
    """How long a label holds in all."""

    __pydantic_config__ = CONFIG

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
class StepRecord(Record):
    """One row of the timeline."""

    __pydantic_config__ = CONFIG

    start_seconds: float
    """Start of the half-open interval."""
    end_seconds: float
    """End of the half-open interval."""
    tags: tuple[TagRecord, ...]
    """The best labels, best first."""
    background_score: float | None = field(default=None, metadata=OPTIONAL)
    """What went to none of the given labels; only where these competed with a background."""
    still_share: float | None = field(default=None, metadata=OPTIONAL)
    """Of its windows' patches, how many stood still and were not computed, in [0, 1]; only in a
    fast run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRecord(Record):
    """Something that changed what was done."""

    __pydantic_config__ = CONFIG

    code: str
    """Stable snake_case word."""
    message: str
    """One sentence for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingRecord(Record):
    """How long it took; all else is the same from run to run."""

    __pydantic_config__ = CONFIG

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
    num_repeated_windows: int = 0
    """Windows that the model was not run on, since they show the same as the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Record):
    """All that vidtag says of one video."""

    __pydantic_config__ = CONFIG

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
    background_score: float | None = field(default=None, metadata=OPTIONAL)
    """Of the whole video: what went to none of the given labels."""
    still_share: float | None = field(default=None, metadata=OPTIONAL)
    """Of all windows' patches, how many stood still and were not computed; only in a fast run."""
    summary: tuple[SummaryRecord, ...] = ()
    """Each label that has a segment, the longest held first; what an older vidtag made has none."""
    segments: tuple[SegmentRecord, ...]
    """Where each label holds, in the order of their starts."""
    timeline: tuple[StepRecord, ...]
    """Steps that tile the tagged part."""
    warnings: tuple[WarningRecord, ...]
    timing: TimingRecord

    def to_json(self, *, indent: int | None = None) -> str:
        """Write it as JSON, without a line break at its end; on one line without `indent`."""
        from vidtag.documents.json import to_json

        return to_json(self, indent=indent)

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write it to a file, whole or not at all, in the format that the suffix says.

        >>> document.save("clip.srt")  # doctest: +SKIP
        >>> document.save("clip.json", format="labelstudio")  # doctest: +SKIP

        Args:
            path: The file; one of this name is replaced, unless it is the video itself.
            format: Another format, by its name.

        Raises:
            UsageError: No format has this name or suffix, or the video would be overwritten.
            OutputError: The file can't be written.
        """
        from vidtag.outputs.saving import save_document

        save_document(self, os.fspath(path), format)

    def to_pandas(self, rows: Literal["segments", "steps"] = "segments") -> "DataFrame":
        """Make a table of it for pandas, which has to be installed.

        >>> document.to_pandas()  # doctest: +SKIP
        >>> document.to_pandas("steps").pivot(columns="label", values="score")  # doctest: +SKIP

        Args:
            rows: A row for each segment, or for each tag of each step, the best first; with what
                went to none of the labels, where these were given.

        Raises:
            ImportError: pandas is not there.
        """
        try:
            from pandas import DataFrame
        except ImportError as exc:
            raise ImportError("to_pandas needs pandas: pip install pandas") from exc
        if rows == "segments":
            names = [field.name for field in fields(SegmentRecord)]
            return DataFrame([one.to_dict() for one in self.segments], columns=names)
        if rows != "steps":
            raise ValueError(f"rows must be 'segments' or 'steps', not {rows!r}")
        columns = ["start_seconds", "end_seconds", "rank", "label", "index", "score"]
        tags = [
            (step.start_seconds, step.end_seconds, rank, tag.label, tag.index, tag.score)
            for step in self.timeline
            for rank, tag in enumerate(step.tags, 1)
        ]
        frame = DataFrame(tags, columns=columns)
        if self.background_score is not None:
            frame["background_score"] = [s.background_score for s in self.timeline for _ in s.tags]
        return frame

    def _repr_html_(self) -> str:
        """Draw a small table of the segments, for a notebook."""
        from vidtag.documents.headline import nothing_phrase

        head = f"{printable(self.video.path)}, {printable(self.model.id)}"
        rows = [
            f"<tr><td>{format_seconds(one.start_seconds)} - {format_seconds(one.end_seconds)}</td>"
            f"<td>{escape(printable(one.label))}</td><td>{one.score:.2f}</td></tr>"
            for one in self.segments
        ] or [f"<tr><td colspan=3>{nothing_phrase(self)}</td></tr>"]
        columns = "<tr><th>time</th><th>action</th><th>score</th></tr>"
        return f"<table><caption>{escape(head)}</caption>{columns}{''.join(rows)}</table>"


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
class FailedVideo(Record):
    """The input of a failed run."""

    __pydantic_config__ = CONFIG

    path: str
    """The input as the user named it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord(Record):
    """Why an input could not be tagged."""

    __pydantic_config__ = CONFIG

    code: str
    """Stable snake_case word."""
    message: str
    """What failed, on what, and what to try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Record):
    """An input that could not be tagged."""

    __pydantic_config__ = CONFIG

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
