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
from vidtag.documents.words import BackgroundRecord, LeftOutRecord, WordRecord
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


WORDS = ("pouring milk", "opening a fridge", "washing up")

KITCHEN: tuple[Row, ...] = (
    ((1, 0.06), (0, 0.01), (2, 0.0)),
    ((1, 0.81), (0, 0.02), (2, 0.0)),
    ((1, 0.52), (0, 0.07), (2, 0.01)),
    ((0, 0.91), (1, 0.03), (2, 0.0)),
    ((0, 0.77), (1, 0.02), (2, 0.02)),
    ((2, 0.28), (0, 0.26), (1, 0.22)),
    ((2, 0.02), (0, 0.01), (1, 0.0)),
    ((2, 0.04), (0, 0.03), (1, 0.01)),
)
"""Nothing of the words, a fridge, milk, a moment at which the words share the score, and nothing
again: `WORDS`, and what they leave goes to the background."""

NO_WORD: tuple[Row, ...] = (((0, 0.02), (1, 0.01), (2, 0.0)),) * 3
"""Nothing of the words anywhere."""


def give_words(
    document: Document, labels: Sequence[str], *, has_background: bool = True
) -> Document:
    """Make labels of a document given ones; what they leave of the scores is the background's."""
    if not has_background:
        background = None
    else:
        left_out = LeftOutRecord(phrase=f"{labels[0]}!", label=labels[0], cosine=0.97)
        background = BackgroundRecord(
            source="kinetics400", num_phrases=410, limit=0.93, left_out=(left_out,)
        )

    def rest(tags: Sequence[TagRecord]) -> float | None:
        return round_score(1 - sum(tag.score for tag in tags)) if has_background else None

    steps = [replace(step, background_score=rest(step.tags)) for step in document.timeline]
    return replace(
        document,
        model=replace(
            document.model,
            id="xclip",
            num_labels=len(labels),
            labels="given",
            words=tuple(
                WordRecord(label=label, phrases=(label, f"somebody is {label}")) for label in labels
            ),
            template="a video of {}.",
            background=background,
        ),
        background_score=rest(document.tags),
        timeline=tuple(steps),
    )


def make_worded(
    path: str = "clips/kitchen.mp4",
    *,
    rows: Sequence[Row] = KITCHEN,
    labels: Sequence[str] = WORDS,
    has_background: bool = True,
) -> Document:
    """Make the document of a video with labels in the user's own words."""
    document = make_document(path, rows=rows, labels=labels)
    return give_words(document, labels, has_background=has_background)


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
    documents |= {
        "words": make_worded(),
        "words, none of them": make_worded("street.mp4", rows=NO_WORD),
        "words alone": make_worded(
            "alone.mp4", rows=[((0, 0.6), (1, 0.4)), ((0, 0.5), (1, 0.5))], has_background=False
        ),
        "hostile words": make_worded(
            "words.mp4",
            rows=[((k, 0.9 - k / 100),) for k in range(len(HOSTILE_LABELS))],
            labels=HOSTILE_LABELS,
        ),
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
