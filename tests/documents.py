"""A factory of realistic documents: what writers of results are tested with."""

from collections.abc import Sequence
from dataclasses import replace

from vidtag.documents.records import (
    Document,
    EngineRecord,
    ErrorRecord,
    FailedVideo,
    Failure,
    ModelRecord,
    SamplingRecord,
    SegmentRecord,
    SettingsRecord,
    StepRecord,
    TagRecord,
    TimingRecord,
    VideoRecord,
    WarningRecord,
    round_score,
    summarise,
)
from vidtag.seconds import round_seconds

LABELS = (
    "clapping",
    "jumping jacks",
    "juggling balls",
    "push up",
    "riding a bike",
    "squat",
    "waving hand",
)

HOSTILE_LABELS = (
    'say "hi", then <b>wave</b>',
    "first line\nsecond --> line\r\n\r\nNOTE x",
    '=HYPERLINK("http://x")\t\'; # \\N {\\an8} a=b',
    "</script><script>alert(1)</script>&amp;&",
    "\x1b[31mred\x07\u202eesrever\u2028\x00\x85",
    "踊る 💃 ñ é",
    " \t ",
)

HOSTILE_PATHS = (
    "clips/a, \"b\" 'c'.mp4",
    "clips/new\nline\ttab\rreturn.mp4",
    "=cmd|' /C calc'!A0.mp4",
    "-rf.mp4",
    "clips/<script>&amp;-->.mp4",
    "C:\\clips\\x #1; 100%?.mp4",
    "clips/踊る 💃 caf\ufffd.mp4",
    "\x1b]0;title\x07.mp4",
)

Row = Sequence[tuple[int, float]]
"""Labels by index, with scores, best first: what one step shows."""

ACTIONS: tuple[Row, ...] = (
    ((2, 0.91), (0, 0.05)),
    ((2, 0.84), (0, 0.11)),
    ((2, 0.47), (4, 0.31)),
    ((4, 0.22), (2, 0.18)),
    ((4, 0.63), (2, 0.1)),
    ((4, 0.72), (1, 0.08)),
    ((1, 0.29), (4, 0.2)),
    ((1, 0.88), (6, 0.03)),
)
"""Juggling, a moment without a clear action, riding a bike, another one, jumping jacks."""


def make_document(
    path: str = "clips/park.mp4",
    *,
    rows: Sequence[Row] = ACTIONS,
    labels: Sequence[str] = LABELS,
    duration: float | None = None,
    rest: float = 0.0,
    start: float = 0.0,
    stride: float = 1.0,
    frame_rate: float | None = 30000 / 1001,
    is_variable_frame_rate: bool = False,
    min_score: float = 0.3,
    container: str = "mp4",
    warnings: Sequence[tuple[str, str]] = (),
) -> Document:
    """Make the document of a video from what each of its steps shows.

    Args:
        path: The input as the user named it.
        rows: Per step, labels by index with scores, best first.
        labels: The model's labels.
        duration: End of the tagged part; by default, the last step is cut by 0.3 of a stride.
        rest: How long the video goes on after it.
        start: Where the tagged part starts.
        stride: Length of a step.
        frame_rate: Mean frames per second; `None` for a single frame.
        is_variable_frame_rate: Whether the gaps between frames differ.
        min_score: Score at which a segment opens.
        container: FFmpeg's name of the container.
        warnings: Codes and messages.
    """
    end = round_seconds(start + (len(rows) - 0.3) * stride) if duration is None else duration
    steps = tuple(
        StepRecord(
            start_seconds=round_seconds(start + k * stride),
            end_seconds=round_seconds(min(start + (k + 1) * stride, end)),
            tags=tuple(_tag(labels, index, score) for index, score in row),
        )
        for k, row in enumerate(rows)
    )
    means: dict[int, float] = {}
    for row in rows:
        for index, score in row:
            means[index] = means.get(index, 0.0) + score / len(rows)
    best = sorted(means.items(), key=lambda item: -item[1])
    sampling = SamplingRecord(
        window_seconds=2 * stride,
        stride_seconds=stride,
        num_windows=max(1, len(rows) - 1),
        average="logits",
        start_seconds=start,
        end_seconds=end,
    )
    segments = _segments(steps, min_score)
    return Document(
        schema_version=1,
        vidtag_version="0.1.0",
        video=VideoRecord(
            path=path,
            size_bytes=1_234_567,
            container=container,
            codec="h264",
            width=640,
            height=360,
            rotation_degrees=0,
            frame_rate=frame_rate,
            is_variable_frame_rate=is_variable_frame_rate,
            duration_seconds=round_seconds(end + rest),
            num_frames=max(1, round((frame_rate or 0) * end)),
            num_failed_packets=0,
            content_id="sha256:" + "0123456789abcdef" * 4,
        ),
        model=ModelRecord(
            id="demo",
            revision="0123abc",
            num_labels=len(labels),
            num_frames=16,
            image_size=112,
            licence="MIT",
        ),
        sampling=sampling,
        settings=SettingsRecord(
            top_k=5, min_score=min_score, min_duration_seconds=0.0, merge_gap_seconds=0.0
        ),
        engine=EngineRecord(name="torch", device="cpu", precision="fp32"),
        tags=tuple(_tag(labels, index, score) for index, score in best),
        summary=summarise(segments, sampling),
        segments=segments,
        timeline=steps,
        warnings=tuple(WarningRecord(code=code, message=message) for code, message in warnings),
        timing=TimingRecord(
            total_seconds=1.5,
            decode_seconds=0.5,
            model_seconds=0.9,
            realtime_factor=5.1,
            from_cache=False,
        ),
    )


def make_failed(path: str = "clips/broken.mp4") -> Failure:
    """Make the record of an input that could not be tagged."""
    return Failure(
        schema_version=1,
        vidtag_version="0.1.0",
        video=FailedVideo(path=path),
        error=ErrorRecord(code="cannot_open", message=f"{path}: no video that FFmpeg can open."),
    )


def make_empty(path: str = "clips/empty.mp4") -> Document:
    """Make the document of a video in which nothing reaches the score for a segment."""
    return make_document(path, rows=[((0, 0.2), (1, 0.1))] * 3)


def make_documents() -> dict[str, Document]:
    """Make one document of every kind that a writer must take, by the name of the kind."""
    documents = {
        "normal": make_document(),
        "empty": make_empty(),
        "one frame": make_document("one.mp4", rows=[((0, 0.9),)], duration=0.04, frame_rate=None),
        "part": make_document("part.mkv", start=60.0, rest=12.0, stride=0.5, container="matroska"),
        "integer rate": make_document("pal.mov", frame_rate=25.0, container="mov"),
        "variable rate": make_document(
            "screen.webm", frame_rate=23.7114, is_variable_frame_rate=True, container="webm"
        ),
        "long": make_document(
            "long.avi", rows=[((k // 300 % 7, 0.8),) for k in range(4000)], container="avi"
        ),
        "stdin": make_document("-", container="matroska"),
        "url": make_document("https://example.org/a b/clip.mp4?x=1&y=2"),
        "absolute": make_document("/srv/videos/clip 1.mp4"),
        "same label twice": make_document(labels=["walk"] * len(LABELS)),
        "unlabelled": replace(make_empty(), timeline=(), tags=()),
    }
    hostile = [((k, 0.9 - k / 100),) for k in range(len(HOSTILE_LABELS))]
    for number, path in enumerate(HOSTILE_PATHS):
        documents[f"hostile {number}"] = make_document(path, rows=hostile, labels=HOSTILE_LABELS)
    return documents


def _tag(labels: Sequence[str], index: int, score: float) -> TagRecord:
    return TagRecord(label=labels[index], index=index, score=round_score(score))


def _segments(steps: Sequence[StepRecord], min_score: float) -> tuple[SegmentRecord, ...]:
    """Find stretches in which a label is among a step's tags at `min_score`, without hysteresis."""
    stretches: list[list[tuple[StepRecord, TagRecord]]] = []
    for step in steps:
        for tag in step.tags:
            if tag.score < min_score:
                continue
            for stretch in stretches:
                last, known = stretch[-1]
                if known.index == tag.index and last.end_seconds == step.start_seconds:
                    stretch.append((step, tag))
                    break
            else:
                stretches.append([(step, tag)])
    return tuple(
        SegmentRecord(
            start_seconds=stretch[0][0].start_seconds,
            end_seconds=stretch[-1][0].end_seconds,
            label=stretch[0][1].label,
            index=stretch[0][1].index,
            score=round_score(sum(tag.score for _, tag in stretch) / len(stretch)),
            peak_score=max(tag.score for _, tag in stretch),
            peak_seconds=_middle(max(stretch, key=lambda pair: pair[1].score)[0]),
        )
        for stretch in stretches
    )


def _middle(step: StepRecord) -> float:
    return round_seconds((step.start_seconds + step.end_seconds) / 2)
