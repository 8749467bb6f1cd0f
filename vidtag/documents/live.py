"""What `vidtag watch` tells, a line each: the events of a source that is watched."""

from dataclasses import dataclass, field
from typing import Any, Literal

from vidtag.documents.record import CONFIG, OPTIONAL, Record
from vidtag.documents.records import SCHEMA_VERSION, TagRecord

EventKind = Literal[
    "started",
    "segment_open",
    "segment_close",
    "step",
    "source_lost",
    "source_back",
    "notice",
    "stopped",
]
"""What happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent(Record):
    """One line: something that happened in a source that is watched."""

    __pydantic_config__ = CONFIG

    event: EventKind
    """`started`, once, with the first picture; `segment_open` and `segment_close`; `step` where
    they are asked for; `source_lost`, `source_back`; `notice` of what is odd; `stopped`, last."""
    label: str | None = None
    """The model's name for the class, of a segment."""
    score: float | None = None
    """When a segment opens, the score that opened it; when it closes, the mean of its steps."""
    start_seconds: float | None = None
    """Start of the segment or step, in the time of the stream: 0 is the first picture."""
    end_seconds: float | None = None
    """End of the segment or step; null while it is open. When a source is lost, the end of what
    came; when it is back, null."""
    utc: str
    """When that was, by this machine's clock: the start of a segment that opens, the end of one
    that closes or of a step; else when the event was written."""
    lag_seconds: float | None = None
    """From the end of the window that told it to this line; null where no window did."""
    skipped_windows: int = 0
    """Windows since the start that were not scored, since newer ones were there."""
    index: int | None = field(default=None, metadata=OPTIONAL)
    """The class's place in the model's outputs."""
    peak_score: float | None = field(default=None, metadata=OPTIONAL)
    """Score of a closed segment's best step."""
    peak_seconds: float | None = field(default=None, metadata=OPTIONAL)
    """Middle of that step."""
    tags: tuple[TagRecord, ...] | None = field(default=None, metadata=OPTIONAL)
    """The best labels of a step."""
    background_score: float | None = field(default=None, metadata=OPTIONAL)
    """What went to none of the given labels in a step."""
    code: str | None = field(default=None, metadata=OPTIONAL)
    """Why a source was lost, what is odd, or why it stopped, as a stable snake_case word."""
    message: str | None = field(default=None, metadata=OPTIONAL)
    """The same as a sentence for a person."""
    source: str | None = field(default=None, metadata=OPTIONAL)
    """What is watched, without user name and password; of `started`, as all that follows."""
    model: str | None = field(default=None, metadata=OPTIONAL)
    """What scores it."""
    window_seconds: float | None = field(default=None, metadata=OPTIONAL)
    """Length of a window."""
    stride_seconds: float | None = field(default=None, metadata=OPTIONAL)
    """Time between the starts of two windows."""
    width: int | None = field(default=None, metadata=OPTIONAL)
    """Of the picture that a viewer sees."""
    height: int | None = field(default=None, metadata=OPTIONAL)
    """Of the picture that a viewer sees."""
    codec: str | None = field(default=None, metadata=OPTIONAL)
    """FFmpeg's name of the codec."""
    scored_windows: int | None = field(default=None, metadata=OPTIONAL)
    """Of `stopped`: windows that were scored in all."""
    schema_version: int | None = field(default=None, metadata=OPTIONAL)
    """Of `started`: 1."""
    vidtag_version: str | None = field(default=None, metadata=OPTIONAL)
    """Of `started`: the vidtag that watches."""


def make_event_schema() -> dict[str, Any]:
    """Make the JSON Schema of a line of `vidtag watch`."""
    from pydantic import TypeAdapter

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"vidtag watch: an event, schema version {SCHEMA_VERSION}",
        **TypeAdapter(LiveEvent).json_schema(),
    }
