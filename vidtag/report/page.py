"""The page of one video: its tags, a timeline to look at, and the moments in pictures.

Owns what a page holds and how large it gets. The pictures are given: a stored document alone
makes a page too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from vidtag.aliases import alias_of
from vidtag.documents.headline import (
    NONE_OF_THESE,
    background_wins,
    is_none_of_these,
    worth_showing,
)
from vidtag.documents.records import Document, ModelRecord
from vidtag.documents.stretches import list_gaps
from vidtag.links import file_name
from vidtag.report.downloads import Download, PackedFile, pack
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
from vidtag.report.embedding import EmbeddedVideo, NotEmbedded
from vidtag.report.given import describe_words, list_guesses, make_background_lane
from vidtag.report.lanes import (
    NUM_OPEN_LANES,
    Lane,
    choose_moments,
    make_lanes,
    name_labels,
    rank_segments,
)
from vidtag.report.moments import Explained, ExplanationClip, Moments, gather_moments
from vidtag.report.rendering import checked_href, embed_json, render
from vidtag.report.thumbnails import MAX_THUMBNAILS, Thumbnail
from vidtag.text import escape_controls

MAX_PAGE_BYTES = 1_930_000
"""Pages stay under 2 MB, besides a video in them: pictures are left out, the least important
first, above this."""

MAX_DOWNLOAD_BYTES = 400_000
"""Of the files that a page hands out, packed: those of an hour and a half take as much."""

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

_FILE_BYTES = 500
"""A file's button and name beside its content."""

NOT_EXPLAINED = Explained()
"""Nobody asked what the model looked at."""


def render_page(
    document: Document,
    *,
    video_href: str | None,
    pictures: Sequence[Thumbnail] = (),
    explained: Explained = NOT_EXPLAINED,
    downloads: Sequence[Download] = (),
    index_href: str | None = None,
    video: EmbeddedVideo | NotEmbedded | None = None,
) -> str:
    """Render the page of one video.

    The same arguments give the same text; `document.timing` is not shown, so that a page is the
    same from run to run. For the same reason a page knows no other one: which videos come before
    and after it in a run can fail or be left alone. The index knows.

    Args:
        document: What to show.
        video_href: Link from the page to the video, as `relative_href()` writes it; `None`
            where there is no file, and then the page has no player.
        pictures: Of moments; a segment shows the one of its peak.
        explained: What the model looked at, beside its segment.
        downloads: Files that the page hands out, the most important first.
        index_href: Link to the index that lists this page, as `relative_href()` writes it.
        video: The video itself, which then plays without a file beside the page, or why it is not
            in the page; `None` where nobody asked for it.

    Returns:
        HTML in one file of less than 2 MB, besides `video`.

    Raises:
        ValueError: A link leads elsewhere than to a file.
    """
    lanes = make_lanes(document)
    base = _values(document, lanes)
    base |= {
        "index_href": None if index_href is None else checked_href(index_href),
        "video_href": None if video_href is None else checked_href(video_href),
        "video_source": None if video_href is None else checked_href(video_href),
        "is_embedded": isinstance(video, EmbeddedVideo),
        "why_not_embedded": video.reason if isinstance(video, NotEmbedded) else "",
        "explanation_note": explained.note,
    }
    budget = MAX_PAGE_BYTES - len(_render(base, gather_moments(document)).encode("utf-8"))
    packed, budget = _pack(downloads, show_name(document.video.path), budget)
    # What was asked for by name comes first, then pictures by importance.
    kept_explanations: list[ExplanationClip] = []
    for clip in explained.clips:
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
    if isinstance(video, EmbeddedVideo):
        base["video_source"] = video.href
    base["files"] = packed
    base["files_left_out"] = [one.name for one in downloads[len(packed) :]]
    base["num_left_out"] = len(explained.clips) - len(kept_explanations)
    return _render(base, gather_moments(document, kept_pictures.values(), kept_explanations))


def _render(values: Mapping[str, Any], moments: Moments) -> str:
    """Fill the template."""
    looks = [*(lane.look for lane in values["lanes"]), *moments.looks]
    by_name = {look.name: look for look in looks}
    files = [(one.file_name, one.media_type, one.packed) for one in values["files"]]
    return render(
        "page.html",
        {
            **values,
            "moments": moments,
            "looks": [by_name[name] for name in sorted(by_name)],
            "data": embed_json({**values["data"], "files": files}),
        },
        script="page.js",
    )


def _pack(
    downloads: Sequence[Download], video_name: str, budget: int
) -> tuple[list[PackedFile], int]:
    """Pack files as long as there is room; return them, and the bytes that are left."""
    room = min(budget, MAX_DOWNLOAD_BYTES)
    packed = []
    for download in downloads:
        one = pack(download, video_name)
        cost = len(one.packed) + _FILE_BYTES
        if cost > room:
            break  # so that the first ones are there, and it can be said which are not
        packed.append(one)
        room, budget = room - cost, budget - cost
    return packed, budget


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


def _values(document: Document, lanes: Sequence[Lane]) -> dict[str, Any]:
    """Gather what does not depend on pictures, videos and files."""
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
        "only": [escape_controls(text) for text in document.settings.only or ()],
        "model_note": None if is_told else note_on(document.model),
        "zooms": _zooms(len(document.timeline)),
        "files": [],
        "files_left_out": [],
        "num_left_out": 0,
        "data": {
            "start": span.start_seconds,
            "end": span.start_seconds + span.length_seconds,
            "labels": list(names.values()),
            "indices": list(names),
            # Where what is read out is a guess.
            "gaps": list_guesses(list_gaps(document), steps),
            "starts": [step.start_seconds for step in steps],
            # Label's place and score in thousandths, in turn: short, and read by no person.
            "steps": [
                [number for tag in tags for number in (places[tag.index], round(tag.score * 1000))]
                for tags in shown
            ],
        },
    }


def _embedded_size(content: bytes) -> int:
    return 4 * (len(content) // 3 + 1)


def _steps_per_point(document: Document) -> int:
    return max(1, -(-len(document.timeline) // MAX_POINTS))


def _zooms(num_steps: int) -> tuple[int, ...]:
    """Offer zooms that show something: none for a strip on which each step is wide."""
    if num_steps <= 120:
        return ()
    return (1, 4) if num_steps <= 600 else (1, 4, 16)
