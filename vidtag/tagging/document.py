"""From the scores of a video to its document. Pure: no video, no model, no clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from vidtag.clips.grid import Grid
from vidtag.documents.record import round_score
from vidtag.documents.records import (
    SCHEMA_VERSION,
    Document,
    EngineRecord,
    ModelRecord,
    SamplingRecord,
    SegmentRecord,
    SettingsRecord,
    StepRecord,
    TagRecord,
    TimingRecord,
    VideoRecord,
    WarningRecord,
    summarise,
)
from vidtag.documents.words import BackgroundRecord, LeftOutRecord, WordRecord
from vidtag.models.classifier import ClassifierInfo
from vidtag.seconds import round_seconds
from vidtag.tagging.events import ReadResult
from vidtag.tagging.settings import Settings
from vidtag.tagging.step_tags import record_of, tag_records, tags_of
from vidtag.text import encodable
from vidtag.timeline.scored import Scored
from vidtag.timeline.scores import Scores, background_score, top_tags
from vidtag.timeline.segments import Segment, find_segments
from vidtag.version import __version__
from vidtag.video.frames import Notice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class VideoScores(Scored):
    """The scores of a whole video, with all that its document tells besides them."""

    interval_seconds: Fraction
    """Time between two sampled frames."""

    read: ReadResult
    """What was read of the video."""

    model: ClassifierInfo
    """What scored it."""

    timing: TimingRecord
    """How long that took."""


def describe(scored: Scored, settings: Settings | None = None) -> Document:
    """Make the document of a video from its scores.

    >>> scored = Tagger("demo").score("clip.mp4")  # doctest: +SKIP
    >>> strict = describe(scored, Settings(rule=SegmentRule(min_score=0.8)))  # doctest: +SKIP

    Args:
        scored: What `Tagger.score` gave.
        settings: Tags, averaging and segments; windows and the part are those that were scored.

    Raises:
        TypeError: The scores are not those of a whole video: cut ones can't be described.
    """
    if not isinstance(scored, VideoScores):
        raise TypeError("describe takes the scores of a whole video, as Tagger.score gives them")
    settings = settings or Settings()
    steps, mean = scored.timeline(settings.average)
    shares = scored.still_shares
    has_background = scored.num_background > 0
    return compose(
        Parts(
            read=scored.read,
            model=scored.model,
            num_labels=len(scored.labels),
            sampling=SamplingRecord(
                window_seconds=round_seconds(scored.window_seconds),
                stride_seconds=round_seconds(scored.stride_seconds),
                num_windows=len(scored),
                average=settings.average,
                start_seconds=round_seconds(scored.start_seconds),
                end_seconds=round_seconds(scored.end_seconds),
            ),
            tags=tag_records(top_tags(mean, scored.labels, settings.top_k)),
            background_score=_background(mean) if has_background else None,
            still_share=None if shares is None else round_score(shares.mean(dtype=float)),
            segments=tuple(
                segment_record(segment, scored.labels)
                for segment in find_segments(steps, settings.rule)
            ),
            timeline=tuple(
                record_of(
                    tags_of(step, scored.labels, settings.top_k, has_background=has_background)
                )
                for step in steps
            ),
            notices=tuple(_part_notices(scored, settings)),
            timing=scored.timing,
        ),
        settings,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """What a document is composed of, besides the settings."""

    read: ReadResult
    """What was read."""

    model: ClassifierInfo
    """What scored it."""

    num_labels: int
    sampling: SamplingRecord
    tags: tuple[TagRecord, ...]
    background_score: float | None
    still_share: float | None
    segments: tuple[SegmentRecord, ...]
    """In the order of their starts."""

    timeline: tuple[StepRecord, ...]
    notices: tuple[Notice, ...]
    """Besides those of the model and of the video."""

    timing: TimingRecord


def compose(parts: Parts, settings: Settings) -> Document:
    """Put a document together."""
    info, rule = parts.model, settings.rule
    notices = (*info.notes, *parts.read.notices, *parts.notices)
    return Document(
        schema_version=SCHEMA_VERSION,
        vidtag_version=__version__,
        video=_video_record(parts.read),
        model=_model_record(info, parts.num_labels),
        sampling=parts.sampling,
        settings=SettingsRecord(
            top_k=settings.top_k,
            min_score=rule.min_score,
            min_duration_seconds=round_seconds(rule.min_duration_seconds),
            merge_gap_seconds=round_seconds(rule.merge_gap_seconds),
        ),
        engine=EngineRecord(
            name=info.engine,
            device=info.device,
            precision=info.precision,
            fast=True if info.is_fast else None,
            still_threshold=info.still_threshold,
            calibrated_on=info.calibration.content_ids if info.calibration else None,
        ),
        tags=parts.tags,
        background_score=parts.background_score,
        still_share=parts.still_share,
        summary=summarise(parts.segments, parts.sampling),
        segments=parts.segments,
        timeline=parts.timeline,
        warnings=tuple(WarningRecord(code=n.code, message=n.message) for n in notices),
        timing=parts.timing,
    )


def segment_record(segment: Segment, labels: Sequence[str]) -> SegmentRecord:
    """Make what documents keep of a segment, rounded as they are."""
    return SegmentRecord(
        start_seconds=round_seconds(segment.start_seconds),
        end_seconds=round_seconds(segment.end_seconds),
        label=labels[segment.index],
        index=segment.index,
        score=round_score(segment.score),
        peak_score=round_score(segment.peak_score),
        peak_seconds=round_seconds(segment.peak_seconds),
    )


def _model_record(info: ClassifierInfo, num_labels: int) -> ModelRecord:
    record = ModelRecord(
        id=info.model_id,
        revision=info.revision,
        num_labels=num_labels,
        num_frames=info.num_frames,
        image_size=info.image_size,
        licence=info.licence,
        has_none=True if info.has_none else None,
        temperature=None if info.temperature == 1 else round_score(info.temperature),
        calibrated_on=info.calibrated_on,
    )
    words = info.words
    if words is None:
        return record
    background = words.background
    return replace(
        record,
        labels="given",
        words=tuple(WordRecord(label=one.label, phrases=one.phrases) for one in words.given),
        template=words.template,
        background=None
        if background is None
        else BackgroundRecord(
            source=background.source,
            num_phrases=len(background.phrases),
            limit=background.limit,
            left_out=tuple(
                LeftOutRecord(phrase=one.phrase, label=one.label, cosine=one.cosine)
                for one in background.left_out
            ),
        ),
    )


def _background(scores: Scores) -> float:
    return round_score(background_score(scores))


def _video_record(read: ReadResult) -> VideoRecord:
    info = read.info
    return VideoRecord(
        path=encodable(info.path),
        size_bytes=info.size_bytes,
        container=info.container,
        codec=info.codec,
        width=info.width,
        height=info.height,
        rotation_degrees=info.rotation_degrees,
        frame_rate=None if info.frame_rate is None else round(info.frame_rate, 3),
        is_variable_frame_rate=info.is_variable_frame_rate,
        duration_seconds=round_seconds(info.duration_seconds),
        num_frames=info.num_frames,
        num_failed_packets=info.num_failed_packets,
        content_id=read.content_id,
        timecode=info.timecode,
        sound_rate=info.sound_rate,
        sound_channels=info.sound_channels,
    )


def grid_notices(grid: Grid, settings: Settings) -> Iterator[Notice]:
    """Tell where the grid is another than was asked for, or leaves time unseen."""
    window, stride = float(grid.window_seconds), float(grid.stride_seconds)
    asked = settings.stride_seconds
    if asked is not None and asked != grid.stride_seconds:
        message = f"A stride of {stride:.6g} s was used instead of {float(asked):.6g} s: it is a "
        message += f"whole number of sampling intervals of {float(grid.interval_seconds):.6g} s."
        yield Notice(code="stride_rounded", message=message)
    if grid.stride_seconds > grid.window_seconds:
        message = f"Windows of {window:.6g} s start every {stride:.6g} s: "
        message += f"{1 - window / stride:.0%} of the time is not seen."
        yield Notice(code="stride_beyond_window", message=message)


def _part_notices(scored: VideoScores, settings: Settings) -> Iterator[Notice]:
    grid = Grid.from_seconds(
        window=scored.window_seconds,
        stride=scored.stride_seconds,
        num_frames=round(scored.window_seconds / scored.interval_seconds),
    )
    yield from grid_notices(grid, settings)
    window = float(scored.window_seconds)
    duration = scored.end_seconds - scored.start_seconds
    if duration < scored.window_seconds:
        message = f"'{scored.read.info.path}' has only {float(duration):.3f} s to tag; one window "
        message += f"spans all of it, instead of {window:.6g} s."
        yield Notice(code="shorter_than_window", message=message)
