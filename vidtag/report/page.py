"""The page of one video: its tags, a timeline to look at, and the moments in pictures.

Owns what a page holds and how large it gets. The pictures are given: a stored document alone
makes a page too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vidtag.aliases import alias_of
from vidtag.documents.headline import (
    NONE_OF_THESE,
    background_wins,
    is_none_of_these,
    worth_showing,
)
from vidtag.documents.records import Document, ModelRecord, SegmentRecord
from vidtag.documents.stretches import list_gaps
from vidtag.links import file_name
from vidtag.report.drawing import (
    CURVE_HEIGHT,
    CURVE_WIDTH,
    MAX_POINTS,
    make_ticks,
    percent,
    pool_steps,
    quiet_boxes,
    span_of,
)
from vidtag.report.given import describe_words, list_guesses, make_background_lane
from vidtag.report.lanes import (
    NUM_OPEN_LANES,
    Lane,
    choose_moments,
    make_lanes,
    name_labels,
    rank_segments,
)
from vidtag.report.rendering import checked_href, clock, embed_data, embed_json, render
from vidtag.report.thumbnails import MAX_THUMBNAILS, Thumbnail
from vidtag.text import escape_controls, one_line

MAX_PAGE_BYTES = 1_900_000
"""Pages stay under 2 MB: pictures are left out, the least important first, above this."""

NUM_OPEN_ROWS = 30
"""Segments up to which their table stands open."""

MAX_ROWS = 4000
"""Rows of the table of segments: at 170 bytes each, 680 kB."""

MAX_STEPS = 3600
"""Steps that the page can read out: an hour at the default stride."""

NUM_READ_OUT = 5
"""Labels that the page reads out for a moment."""

NUM_LABELS = 8
"""Labels of the whole video: what fits beside the player."""

_CARD_BYTES = 600
"""A card's text beside its picture, with room to spare."""

MediaType = Literal["image/gif", "image/jpeg", "image/png", "image/webp", "video/mp4", "video/webm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationClip:
    """A picture or an animation of what the model looked at, shown beside its segment."""

    index: int
    """The explained label's place in the model's outputs."""

    seconds: float
    """A moment of the explained window. The clip stands beside the segment of its label that
    holds this moment; where there is none, on its own."""

    label: str
    """The model's name for the class."""

    media_type: MediaType
    """Of the content."""

    content: bytes
    """The file, which becomes part of the page."""

    caption: str
    """One sentence: what is shown, and how to read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Media:
    """A picture or an animation, ready for the template."""

    href: str
    is_video: bool
    caption: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """One moment: a segment, or an explanation that belongs to none."""

    index: int
    label: str
    lane: Lane | None
    seconds: float
    segment: SegmentRecord | None
    picture: _Media | None
    explanations: tuple[_Media, ...]


def render_page(
    document: Document,
    *,
    video_href: str | None,
    pictures: Sequence[Thumbnail] = (),
    explanations: Sequence[ExplanationClip] = (),
) -> str:
    """Render the page of one video.

    The same arguments give the same text; `document.timing` is not shown, so that a page is the
    same from run to run.

    Args:
        document: What to show.
        video_href: Link from the page to the video, as `relative_href()` writes it; `None`
            where there is no file, and then the page has no player.
        pictures: Of moments; a segment shows the one of its peak.
        explanations: What the model looked at, beside its segment.

    Returns:
        HTML in one file of less than 2 MB.

    Raises:
        ValueError: `video_href` leads elsewhere than to a file.
    """
    lanes = make_lanes(document)
    base = _values(document, lanes, video_href)
    empty = render("page.html", {**base, **_moments(document, lanes)}, script="page.js")
    budget = MAX_PAGE_BYTES - len(empty.encode("utf-8"))
    # What was asked for by name comes first, then pictures by importance.
    kept_explanations: list[ExplanationClip] = []
    for clip in explanations:
        cost = _embedded_size(clip.content) + _CARD_BYTES
        if cost <= budget:
            kept_explanations.append(clip)
            budget -= cost
    by_time = {picture.seconds: picture for picture in pictures}
    kept_pictures: dict[float, Thumbnail] = {}
    for segment in choose_moments(document, MAX_THUMBNAILS):
        picture = by_time.get(segment.peak_seconds)
        if picture is None:
            continue
        cost = _embedded_size(picture.jpeg) + _CARD_BYTES
        if cost <= budget:
            kept_pictures[picture.seconds] = picture
            budget -= cost
    moments = _moments(document, lanes, kept_pictures.values(), kept_explanations)
    moments["num_left_out"] = len(explanations) - len(kept_explanations)
    return render("page.html", {**base, **moments}, script="page.js")


def show_name(path: str) -> str:
    """Return a video's name without its folders, as text that can't act.

    >>> show_name("clips/park.mp4"), show_name("https://example.org/a/b.mp4?x=1")
    ('park.mp4', 'b.mp4')
    """
    return escape_controls(file_name(path)) or escape_controls(path) or "(no name)"


def note_on(model: ModelRecord) -> str | None:
    """Return what to know of a model that has an alias, such as that it knows drawings only."""
    alias = alias_of(model.id)
    return None if alias is None else alias.note


def _values(document: Document, lanes: Sequence[Lane], video_href: str | None) -> dict[str, object]:
    """Gather what does not depend on pictures."""
    span, names = span_of(document), name_labels(document)
    by_index = {lane.index: lane for lane in lanes}
    quiet_path, quiet_seconds = quiet_boxes(document)
    rows = sorted(rank_segments(document.segments)[:MAX_ROWS])
    steps = pool_steps(document.timeline, MAX_STEPS)
    is_told = any(warning.code == "demo_model" for warning in document.warnings)
    shown = [
        (worth_showing(step.tags, step.background_score) or step.tags[:1])[:NUM_READ_OUT]
        for step in steps
    ]
    guesses = worth_showing(document.tags, document.background_score)
    listed = [tag for tags in (*shown, guesses) for tag in tags]
    names |= {tag.index: NONE_OF_THESE for tag in listed if is_none_of_these(tag)}
    places = {index: place for place, index in enumerate(names)}
    return {
        "document": document,
        "name": show_name(document.video.path),
        "path": escape_controls(document.video.path),
        "video_href": None if video_href is None else checked_href(video_href),
        "span": span,
        "lanes": lanes,
        "held": sorted(
            (lane for lane in lanes if lane.num_segments), key=lambda lane: -lane.held_seconds
        ),
        "lane_of": by_index,
        "label_of": names,
        "num_labels": NUM_LABELS,
        "guesses": guesses,
        "background_score": document.background_score,
        "is_none": document.background_score is not None
        and background_wins(document.background_score, document.tags),
        "background": make_background_lane(document),
        "asked": describe_words(document.model),
        "num_open_lanes": NUM_OPEN_LANES,
        "rows": [document.segments[k] for k in rows],
        "is_table_open": len(rows) <= NUM_OPEN_ROWS,
        "ticks": make_ticks(span),
        "quiet_path": quiet_path,
        "quiet_share": quiet_seconds / span.length_seconds,
        "threshold_y": percent(1 - document.settings.min_score),
        "steps_per_point": _steps_per_point(document),
        "curve_width": CURVE_WIDTH,
        "curve_height": CURVE_HEIGHT,
        "model_note": None if is_told else note_on(document.model),
        "zooms": _zooms(len(document.timeline)),
        "data": embed_json(
            {
                "start": span.start_seconds,
                "end": span.start_seconds + span.length_seconds,
                "labels": list(names.values()),
                "indices": list(names),
                # Where what is read out is a guess.
                "gaps": list_guesses(list_gaps(document), steps),
                "starts": [step.start_seconds for step in steps],
                # Label's place and score in thousandths, in turn: short, and read by no person.
                "steps": [
                    [
                        number
                        for tag in tags
                        for number in (places[tag.index], round(tag.score * 1000))
                    ]
                    for tags in shown
                ],
            }
        ),
    }


def _moments(
    document: Document,
    lanes: Sequence[Lane],
    pictures: Iterable[Thumbnail] = (),
    explanations: Sequence[ExplanationClip] = (),
) -> dict[str, object]:
    """Gather the cards: every segment with a picture or an explanation, in the order of time."""
    lane_of = {lane.index: lane for lane in lanes}
    media = {picture.seconds: _picture(picture) for picture in pictures}
    by_segment: dict[int, list[_Media]] = {}
    cards = []
    for clip in explanations:
        shown = _Media(
            href=embed_data(clip.media_type, clip.content),
            is_video=clip.media_type.startswith("video/"),
            caption=escape_controls(clip.caption),
        )
        place = _segment_of(clip, document)
        if place is None:
            cards.append(
                _Card(
                    index=clip.index,
                    label=one_line(clip.label, clip.index),
                    lane=lane_of.get(clip.index),
                    seconds=clip.seconds,
                    segment=None,
                    picture=None,
                    explanations=(shown,),
                )
            )
        else:
            by_segment.setdefault(place, []).append(shown)
    chosen = set(rank_segments(document.segments)[:MAX_THUMBNAILS])
    for k, segment in enumerate(document.segments):
        picture = media.get(segment.peak_seconds) if k in chosen else None
        if picture is None and k not in by_segment:
            continue
        cards.append(
            _Card(
                index=segment.index,
                label=one_line(segment.label, segment.index),
                lane=lane_of.get(segment.index),
                seconds=segment.peak_seconds,
                segment=segment,
                picture=picture,
                explanations=tuple(by_segment.get(k, ())),
            )
        )
    cards.sort(key=lambda card: (card.seconds, card.index))
    return {"cards": cards, "num_left_out": 0}


def _segment_of(clip: ExplanationClip, document: Document) -> int | None:
    """Find the segment of the clip's label that holds its moment."""
    return next(
        (
            k
            for k, segment in enumerate(document.segments)
            if segment.index == clip.index
            and segment.start_seconds <= clip.seconds < segment.end_seconds
        ),
        None,
    )


def _picture(picture: Thumbnail) -> _Media:
    return _Media(
        href=embed_data("image/jpeg", picture.jpeg),
        is_video=False,
        caption=f"The picture at {clock(picture.seconds)}",
        width=picture.width,
        height=picture.height,
    )


def _embedded_size(content: bytes) -> int:
    return 4 * (len(content) // 3 + 1)


def _steps_per_point(document: Document) -> int:
    return max(1, -(-len(document.timeline) // MAX_POINTS))


def _zooms(num_steps: int) -> tuple[int, ...]:
    """Offer zooms that show something: none for a strip on which each step is wide."""
    if num_steps <= 120:
        return ()
    return (1, 4) if num_steps <= 600 else (1, 4, 16)
