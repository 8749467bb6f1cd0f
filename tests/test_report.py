import base64
import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from documents import (
    ACTIONS,
    HOSTILE_LABELS,
    HOSTILE_PATHS,
    make_document,
    make_documents,
    make_failed,
    make_worded,
)
from PIL import Image

from vidtag.documents.records import Document
from vidtag.errors import MODEL_WARNING_CODES
from vidtag.report.drawing import (
    CURVE_HEIGHT,
    CURVE_WIDTH,
    make_ticks,
    percent,
    pool_steps,
    quiet_boxes,
    span_of,
    trace_curve,
)
from vidtag.report.index import IndexEntry, render_index
from vidtag.report.lanes import (
    MAX_LINKED_SEGMENTS,
    NUM_OPEN_LANES,
    choose_moments,
    make_lanes,
    make_strip,
)
from vidtag.report.looks import NUM_LOOKS, find_look
from vidtag.report.moments import Explained, ExplanationClip
from vidtag.report.page import render_page, show_name
from vidtag.report.rendering import checked_href, embed_json, relative_href
from vidtag.report.thumbnails import MAX_BYTES, TOTAL_BYTES, Thumbnail, read_thumbnails

DOCUMENTS = make_documents()


class Parsed(HTMLParser):
    """A page as a browser's parser sees it: elements, links and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.texts: list[str] = []
        self._raw: list[str] | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._raw = {"script": self.scripts, "style": self.styles}.get(tag)
        if self._raw is not None:
            self._raw.append("")

    def handle_endtag(self, tag):
        self._raw = None

    def handle_data(self, data):
        if self._raw is not None:
            self._raw[-1] += data
        elif data.strip():
            self.texts.append(data.strip())

    def attributes(self, name):
        return [attrs[name] for _, attrs in self.elements if name in attrs]

    def having(self, tag, **wanted):
        return [a for t, a in self.elements if t == tag and wanted.items() <= a.items()]


def make_picture(seconds: float, *, num_bytes: int = 0) -> Thumbnail:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 18), (200, 40, 40)).save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    return Thumbnail(
        seconds=seconds, width=32, height=18, jpeg=jpeg + b"\0" * max(num_bytes - len(jpeg), 0)
    )


def make_pictures(document: Document, *, num_bytes: int = 0) -> list[Thumbnail]:
    peaks = sorted({segment.peak_seconds for segment in document.segments})
    return [make_picture(seconds, num_bytes=num_bytes) for seconds in peaks]


def make_clip(document: Document, **changes) -> ExplanationClip:
    segment = document.segments[0]
    facts = {
        "index": segment.index,
        "seconds": segment.peak_seconds,
        "label": segment.label,
        "media_type": "image/gif",
        "content": b"GIF89a",
        "caption": "Warm is where the evidence lies.",
    }
    return ExplanationClip(**{**facts, **changes})


def make_hour(*, num_labels: int = 40, hold: tuple[int, int] = (3, 60)) -> Document:
    """An hour at one step a second, in which something else happens every few steps."""
    draw = random.Random(1)
    rows, current, left, belief = [], 0, 0, 0.5
    for _ in range(3600):
        if left == 0:
            current, left, belief = draw.randrange(num_labels), draw.randint(*hold), draw.random()
        left -= 1
        score = min(max(belief + draw.gauss(0, 0.05), 0.02), 0.98)
        others = draw.sample([k for k in range(num_labels) if k != current], 4)
        row = [(current, score), *((k, (1 - score) / (2 + n)) for n, k in enumerate(others))]
        rows.append(sorted(row, key=lambda pair: -pair[1]))
    labels = [f"handling the object number {k}" for k in range(num_labels)]
    return make_document("conference.mp4", rows=rows, labels=labels)


HOUR = make_hour()


# --- a page holds what was found, and nothing that acts ---------------------------------------


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_pages_hold_only_their_own_scripts_and_links(kind):
    document = DOCUMENTS[kind]
    page = Parsed(
        render_page(
            document,
            video_href=relative_href(document.video.path, "."),
            pictures=make_pictures(document),
        )
    )
    scripts = page.having("script")
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert not page.attributes("style")
    assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.elements}
    for link in page.attributes("href") + page.attributes("src"):
        assert re.match(r"#|data:|[\w./%-]*$", link), link


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_hostile_names_and_labels_are_text(path):
    rows = [((k, 0.9 - k / 100),) for k in range(len(HOSTILE_LABELS))]
    document = make_document(path, rows=rows, labels=HOSTILE_LABELS)
    page = Parsed(render_page(document, video_href=None))
    assert show_name(path) in page.texts
    assert "</script><script>alert(1)</script>&amp;&" in page.texts
    labels = json.loads(page.scripts[0])["labels"]
    assert labels[3] == "</script><script>alert(1)</script>&amp;&"
    assert "<" not in page.scripts[0]
    assert not re.search("[\u202e\u2028\x07\x1b\x85]", "".join(page.texts + page.scripts))


def test_hostile_warnings_and_models_are_text():
    document = make_document(warnings=[("odd", "<img src=x onerror=alert(1)>")])
    document = replace(document, model=replace(document.model, id="<b>m</b>", licence="<i>l</i>"))
    page = Parsed(render_page(document, video_href=None))
    assert {"<img src=x onerror=alert(1)>", "<b>m</b>", "<i>l</i>"} <= set(page.texts)


def test_halves_of_characters_do_not_stop_a_page():
    document = make_document("caf\udce9.mp4", warnings=[("odd", "\ud83d")])
    assert render_page(document, video_href=None).encode("utf-8")


def test_the_policy_lets_only_the_pages_own_style_and_script_run():
    page = Parsed(render_page(make_document(), video_href=None))
    (policy,) = [a["content"] for a in page.having("meta") if "http-equiv" in a]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    for text, rule in ((page.scripts[1], "script-src"), (page.styles[0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert "http" not in policy


def test_a_page_says_what_was_found_and_how():
    document = make_document(warnings=[("duration_declared", "The end was not read.")])
    document = replace(
        document, model=replace(document.model, licence="cc-by-nc-4.0", revision="abcdef0123456789")
    )
    page = Parsed(render_page(document, video_href=None))
    text = " ".join(page.texts)
    for expected in (
        "park.mp4",
        "juggling balls",
        "duration_declared",
        "cc-by-nc-4.0",
        "Not for commercial use.",
        "abcdef012345",
        "7 of 2 s, one every 1 s, averaged as logits",
        "knows drawn figures only, not real footage",
        "h264 in mp4",
    ):
        assert expected in text, expected


@pytest.mark.parametrize(
    ("rows", "lead"),
    [
        ([((0, 0.9),)], "Mostly clapping: 1 action in 1 segment."),
        ([((0, 0.9),), ((1, 0.2),)], "Mostly clapping: 1 action in 1 segment, no clear action"),
        ([((k, 0.9),) for k in (0, 1, 2)], "clapping, jumping jacks, juggling balls: 3 actions"),
        ([((k, 0.9),) for k in range(4)], "clapping, jumping jacks, juggling balls and more: 4"),
        ([((0, 0.2),)], "No clear action: no label reaches 0.3 anywhere."),
    ],
)
def test_a_page_begins_with_what_it_is_about(rows, lead):
    page = render_page(make_document(rows=rows, duration=float(len(rows))), video_href=None)
    text = re.search('<p class="lead">(.*?)</p>', page, re.DOTALL)[1]
    assert " ".join(re.sub("<[^>]*>", "", text).split()).startswith(lead)


def section_of(page: str, name: str) -> str:
    body = re.search(f'<section class="{name}".*?</section>', page, re.DOTALL)[0]
    return " ".join(re.sub("<[^>]*>", " ", body).split())


def test_a_page_sums_up_what_holds_and_how_long():
    text = section_of(render_page(make_document(duration=8.0), video_href=None), "overall")
    assert text.startswith(
        "The whole video juggling balls 0:03 38 % riding a bike 0:03 38 % jumping jacks 0:01 12 %"
    )
    rows = [((k, 0.9),) for k in range(10)]
    many = make_document(rows=rows, labels=[f"label {k}" for k in range(10)])
    assert "; 2 more are on the timeline" in render_page(many, video_href=None)


def test_where_nothing_holds_a_page_makes_a_guess_and_says_so():
    document = make_document(rows=[((0, 0.2), (1, 0.1), (2, 0.04))] * 3)
    page = render_page(document, video_href=None)
    text = section_of(page, "overall")
    assert "No label holds." in text
    assert text.endswith("\u2013 maybe clapping 0.20 \u2013 maybe jumping jacks 0.10")
    assert 'class="meter"' not in page  # a guess has no bar
    assert json.loads(Parsed(page).scripts[0])["gaps"] == [[0.0, 2.7]]


def test_a_page_says_once_what_the_demo_model_does_not_know():
    document = make_document(warnings=[("demo_model", MODEL_WARNING_CODES["demo_model"])])
    page = render_page(document, video_href=None)
    assert page.count("drawn figures only") == 1


@pytest.mark.slow
def test_a_page_is_the_same_from_run_to_run():
    document = make_document()
    first = render_page(document, video_href="a.mp4", pictures=make_pictures(document))
    slower = replace(document, timing=replace(document.timing, total_seconds=99.0))
    assert first == render_page(slower, video_href="a.mp4", pictures=make_pictures(document))
    code = (
        "import sys; sys.path.insert(0, 'tests'); from documents import make_document;"
        "from vidtag.report.page import render_page;"
        "print(hash(render_page(make_document(), video_href=None)) and"
        " __import__('hashlib').sha256(render_page(make_document(), video_href=None)"
        ".encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[1],
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_a_page_without_a_video_has_no_player():
    page = Parsed(render_page(make_document(), video_href=None))
    assert not page.having("video")
    assert Parsed(render_page(make_document(), video_href="a.mp4")).having("video", src="a.mp4")


def test_every_segment_stands_in_a_table_and_on_the_strip():
    document = make_document()
    page = Parsed(render_page(document, video_href=None))
    starts = [f"#t={segment.start_seconds}" for segment in document.segments]
    links = [attrs["href"] for attrs in page.having("a")]
    assert all(links.count(start) >= 2 for start in starts)
    assert "riding a bike, 0:04 to 0:06, score 0.68, best 0.72 at 0:05.5" in page.texts


# --- links -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("out/a.mp4", "out", "a.mp4"),
        ("a.mp4", "out/deep", "../../a.mp4"),
        ("a b#1?50%.mp4", ".", "a%20b%231%3F50%25.mp4"),
        ("javascript:alert(1)", ".", "javascript%3Aalert%281%29"),
        ("café.mp4", ".", "caf%C3%A9.mp4"),
        ("caf\udce9.mp4", ".", "caf%E9.mp4"),
        ("a\nb\\c.mp4", ".", "a%0Ab%5Cc.mp4"),
    ],
)
def test_links_are_relative_and_encoded(path, folder, expected):
    assert relative_href(path, folder) == expected
    assert checked_href(expected) == expected


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "https://example.org/a.mp4",
        "//example.org/a.mp4",
        "data:text/html,x",
        "\\\\host\\a.mp4",
        "file://host/a.mp4",
        "a b.mp4",
        "java\nscript:alert(1)",
        "é.mp4",
    ],
)
def test_links_elsewhere_are_refused(href):
    with pytest.raises(ValueError, match="lead to files"):
        render_page(make_document(), video_href=href)
    with pytest.raises(ValueError, match="lead to files"):
        render_index([IndexEntry(result=make_document(), page_href=href)])


def test_embedded_json_reads_back():
    value = {"</script><!--": ["&\u2028\u2029", "\ud800", 1.5]}
    text = str(embed_json(value))
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == value


# --- curves, lanes, ticks -----------------------------------------------------------------------


def test_a_curve_breaks_off_where_no_score_is_stored():
    rows = [((0, 0.5),), ((0, 1.0),), ((1, 0.9),), ((0, 0.25),)]
    document = make_document(rows=rows, duration=4.0)
    curve = trace_curve(document.timeline, 0, span_of(document))
    # Two runs: 0 to 2 s and 3 to 4 s; nothing between, and no point at the foot.
    assert curve.line == "M0 50h1250l2500 -50h1250M7500 75h1250h1250"
    assert curve.area.count("M") == curve.area.count("z") == 2
    assert "V100z" in curve.area


def test_a_curve_ends_within_its_span_and_a_score_of_zero_is_a_point():
    rows = [((0, 0.0), (1, 0.0)), ((0, 1.0),)]
    document = make_document(rows=rows, start=10.0, duration=11.7)
    curve = trace_curve(document.timeline, 0, span_of(document))
    assert curve.line.startswith(f"M0 {CURVE_HEIGHT}h")
    moves = re.findall(r"[hl](-?\d+)", curve.line)
    assert sum(map(int, moves)) == CURVE_WIDTH
    assert trace_curve(document.timeline, 5, span_of(document)).line == ""


def test_neighbouring_steps_are_pooled_by_their_best():
    document = make_document(rows=[((0, 0.2), (1, 0.1)), ((1, 0.9),), ((2, 0.4),)], duration=3.0)
    pooled = pool_steps(document.timeline, 2)
    assert [(s.start_seconds, s.end_seconds) for s in pooled] == [(0.0, 2.0), (2.0, 3.0)]
    assert [(tag.index, tag.score) for tag in pooled[0].tags] == [(1, 0.9), (0, 0.2)]
    assert pool_steps(document.timeline, 3) == document.timeline
    assert pool_steps((), 3) == ()


def test_lanes_stand_in_the_order_in_which_labels_first_hold():
    rows = [((3, 0.9),), ((0, 0.9),), ((0, 0.9),), ((3, 0.9),), ((3, 0.9),), ((1, 0.9),)]
    lanes = make_lanes(make_document(rows=rows))
    assert [lane.index for lane in lanes] == [3, 0, 1]
    assert [lane.num_segments for lane in lanes] == [2, 1, 1]
    starts = [min(bar.segment.start_seconds for bar in lane.bars) for lane in lanes]
    assert starts == sorted(starts)


def test_the_lanes_that_fold_are_those_of_the_labels_that_hold_least():
    # Label k holds k + 1 steps, the shortest first: those would be open if the order decided.
    rows = [((k, 0.9),) for k in range(NUM_OPEN_LANES + 3) for _ in range(k + 1)]
    labels = [f"label {k}" for k in range(NUM_OPEN_LANES + 3)]
    document = make_document(rows=rows, labels=labels, duration=float(len(rows)))
    lanes = make_lanes(document)
    assert [lane.index for lane in lanes] == list(range(NUM_OPEN_LANES + 3))
    assert [lane.index for lane in lanes if lane.is_folded] == [0, 1, 2]
    page = Parsed(render_page(document, video_href=None))
    folded = [a["data-index"] for _, a in page.elements if a.get("class") == "row lane more"]
    assert folded == ["0", "1", "2"]
    # What is told in words still begins with what holds the longest.
    assert "label 14" in section_of(render_page(document, video_href=None), "overall")[:40]


def test_a_label_looks_the_same_on_every_page_whatever_else_is_there():
    alone = make_document(rows=[((4, 0.9),)] * 3)
    among = make_document(rows=[((k, 0.9),) for k in (2, 4, 1, 4)])
    looks = [
        {lane.index: lane.look for lane in make_lanes(document)} for document in (alone, among)
    ]
    assert looks[0][4] == looks[1][4]
    assert len(set(looks[1].values())) == 3
    index = render_index([IndexEntry(result=among)])
    for lane in make_lanes(among):
        assert f'height="100%" fill="url(#{lane.look.name})"' in index


def test_looks_differ_and_neighbours_differ_in_colour_and_pattern():
    model = make_document().model
    looks = [(one.colour, one.pattern) for one in (find_look(model, k) for k in range(NUM_LOOKS))]
    assert len(set(looks)) == NUM_LOOKS == 56
    for one, next_one in pairwise(looks):
        assert one[0] != next_one[0]
        assert one[1] != next_one[1]
    assert find_look(model, NUM_LOOKS + 3) == find_look(model, 3)


def test_a_given_label_keeps_its_look_where_others_are_added_and_none_looks_like_it():
    few = make_worded(labels=["opening a fridge", "pouring milk", "washing up"]).model
    more = make_worded(labels=["opening a fridge", "pouring milk", "washing up", "reading"]).model
    assert [find_look(few, k) for k in range(3)] == [find_look(more, k) for k in range(3)]
    many = make_worded(labels=[f"word {k}" for k in range(60)]).model
    looks = [find_look(many, k) for k in range(60)]
    assert len(set(looks[:NUM_LOOKS])) == NUM_LOOKS
    assert len({look.colour for look in looks[:7]}) == 7


def test_too_many_segments_are_drawn_but_not_linked_one_by_one():
    lanes = make_lanes(HOUR)
    assert len(HOUR.segments) > MAX_LINKED_SEGMENTS
    assert sum(len(lane.bars) for lane in lanes) == MAX_LINKED_SEGMENTS
    assert any(lane.rest for lane in lanes)


def test_moments_show_each_label_before_any_twice():
    chosen = choose_moments(HOUR, 48)
    assert len(chosen) == 48
    assert len({segment.index for segment in chosen[:40]}) == 40
    assert choose_moments(HOUR, 0) == ()


def test_quiet_stretches_are_those_below_the_score_that_opens_a_segment():
    path, seconds = quiet_boxes(make_document(rows=ACTIONS, duration=8.0))
    assert path == "M3750 0h1250v100H3750zM7500 0h1250v100H7500z"
    assert seconds == 2.0


@pytest.mark.parametrize("seconds", [0.04, 0.5, 7.7, 61, 3600, 86400, 400_000])
def test_the_time_axis_has_a_few_marks(seconds):
    document = make_document(rows=[((0, 0.9),)], duration=seconds, stride=seconds)
    ticks = make_ticks(span_of(document))
    first = [tick for tick in ticks if tick.level == 0]
    assert 1 <= len(first) <= 9
    assert len(ticks) <= 150
    assert all(0 <= float(tick.x.rstrip("%")) <= 100 for tick in ticks)
    assert [tick.seconds for tick in ticks] == sorted({tick.seconds for tick in ticks})


def test_a_percentage_is_short():
    assert [percent(share) for share in (0, 1 / 3, 1, 1e-6)] == ["0%", "33.333%", "100%", "0%"]


# --- pictures, explanations, size ----------------------------------------------------------------


def test_a_segment_shows_the_picture_of_its_peak():
    document = make_document()
    page = Parsed(render_page(document, video_href=None, pictures=make_pictures(document)))
    assert [one["alt"] for one in page.having("img")] == [
        "juggling balls, at 0:00.5",
        "riding a bike, at 0:02.5",
        "riding a bike, at 0:05.5",
        "jumping jacks, at 0:07.3",
    ]


def test_a_picture_of_another_moment_is_not_shown():
    page = render_page(make_document(), video_href=None, pictures=[make_picture(1.234)])
    assert "<img" not in page


def test_an_explanation_stands_beside_its_segment_also_without_pictures():
    document = make_document()
    page = render_page(document, video_href=None, explained=Explained(clips=(make_clip(document),)))
    assert page.count('<article class="card explained') == 1
    assert 'src="data:image/gif;base64,R0lGODlh"' in page
    assert "Warm is where the evidence lies." in page
    assert "0:00 \u2013 0:03" in page


def test_an_explanation_of_another_label_stands_on_its_own():
    document = make_document()
    clip = make_clip(
        document, index=99, label="<b>", media_type="video/mp4", caption="<script>x</script>"
    )
    page = Parsed(render_page(document, video_href=None, explained=Explained(clips=(clip,))))
    (shown,) = page.having("video")
    assert shown["src"].startswith("data:video/mp4;base64,")
    assert shown["aria-label"] == "What the model looked at for <b>"
    assert "<script>x</script>" in page.texts


@pytest.mark.slow
def test_an_hour_of_video_stays_under_two_megabytes():
    pictures = make_pictures(HOUR, num_bytes=min(MAX_BYTES, TOTAL_BYTES // 48))
    page = render_page(HOUR, video_href="conference.mp4", pictures=pictures)
    assert len(page.encode()) < 2_000_000
    assert page.count("<img") == 48


@pytest.mark.slow
def test_pictures_are_left_out_before_a_page_grows_too_large():
    document = make_hour(num_labels=300, hold=(1, 2))
    pictures = make_pictures(document, num_bytes=200_000)
    clips = [make_clip(document, content=b"x" * 150_000, seconds=k / 10) for k in range(9)]
    page = render_page(
        document, video_href=None, pictures=pictures, explained=Explained(clips=tuple(clips))
    )
    assert len(page.encode()) < 2_000_000
    assert "left out to keep this page small" in page
    assert 0 < page.count("data:image/gif") < 9


@pytest.mark.slow
@pytest.mark.parametrize(("num_steps", "k"), [(900, 1), (300, 400)])
def test_the_number_of_stored_labels_does_not_make_a_page_large(num_steps, k):
    labels = [f"the label of number {index}" for index in range(400)]
    rows = [[((step + n) % 400, 1 / (n + 2)) for n in range(k)] for step in range(num_steps)]
    page = render_page(make_document(rows=rows, labels=labels), video_href=None)
    assert len(page.encode()) < 2_000_000


# --- thumbnails ---------------------------------------------------------------------------------


def write_video(path: Path, *, num_frames: int = 80, rate: int = 10) -> None:
    """A video whose brightness tells the time: one level more each frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"deadline": "realtime", "cpu-used": "8"}
        for k in range(num_frames):
            level = np.full((48, 64, 3), 40 + 2 * k, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(level, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "park.webm"
    write_video(path)
    return path


def test_thumbnails_show_the_frames_at_the_peaks(video):
    document = make_document(str(video))
    thumbnails = read_thumbnails(str(video), document)
    assert [one.seconds for one in thumbnails] == [0.5, 2.5, 5.5, 7.35]
    for one in thumbnails:
        picture = Image.open(io.BytesIO(one.jpeg))
        assert picture.size == (one.width, one.height) == (64, 48)
        level = np.asarray(picture).mean()
        assert level == pytest.approx(40 + 2 * int(one.seconds * 10), abs=2)


def test_thumbnails_of_far_moments_are_reached_by_seeking(video, monkeypatch):
    monkeypatch.setattr("vidtag.report.thumbnails._FAR_SECONDS", 1)
    document = make_document(str(video))
    far = read_thumbnails(str(video), document)
    monkeypatch.undo()
    assert [one.seconds for one in far] == [0.5, 2.5, 5.5, 7.35]
    assert far == read_thumbnails(str(video), document)


def test_thumbnails_are_no_more_than_asked_for(video):
    document = make_document(str(video))
    assert [one.seconds for one in read_thumbnails(str(video), document, max_count=1)] == [0.5]
    assert read_thumbnails(str(video), document, max_count=0) == ()
    small = read_thumbnails(str(video), document, max_bytes=600)
    assert max(len(one.jpeg) for one in small) <= 600


def test_thumbnails_of_large_pictures_are_shrunk(monkeypatch):
    from vidtag.report import thumbnails

    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    one = thumbnails._shrink(1.0, noise, 20_000)
    assert len(one.jpeg) <= 20_000
    assert one.width / one.height == pytest.approx(16 / 9, rel=0.02)


def test_what_cannot_be_read_gives_no_thumbnail(tmp_path, video):
    document = make_document()
    assert read_thumbnails(str(tmp_path / "missing.mp4"), document) == ()
    assert read_thumbnails("-", document) == ()
    (tmp_path / "text.mp4").write_text("no video")
    assert read_thumbnails(str(tmp_path / "text.mp4"), document) == ()
    assert read_thumbnails(str(video), make_documents()["empty"]) == ()
    (tmp_path / "cut.webm").write_bytes(video.read_bytes()[:300])
    assert read_thumbnails(str(tmp_path / "cut.webm"), document) == ()


# --- the index ----------------------------------------------------------------------------------


def make_index() -> str:
    entries = [
        IndexEntry(result=make_document(), page_href="park.html", picture=make_picture(0.5)),
        IndexEntry(result=make_failed("<script>alert(1)</script>.mp4")),
        IndexEntry(result=HOUR, page_href="deep/conference.html"),
    ]
    return render_index(entries)


def test_an_index_lists_videos_with_strips_and_tags_and_failures():
    page = Parsed(make_index())
    assert [a["href"] for a in page.having("a") if a["href"].endswith(".html")] == [
        "park.html",  # its picture
        "park.html",
        "deep/conference.html",
    ]
    strips = [a["aria-label"] for a in page.having("svg", role="img")]
    assert strips[0].startswith("juggling balls from 0:00 to 0:03; riding a bike from 0:02 to 0:03")
    assert strips[1].endswith(f"; {len(HOUR.segments) - 5} more")
    assert "<script>alert(1)</script>.mp4" in page.texts
    assert "cannot_open" in page.texts
    assert len(page.having("script")) == 2


def test_an_index_shows_what_holds_and_a_guess_where_nothing_does():
    empty = make_document("empty.mp4", rows=[((0, 0.2), (1, 0.04))] * 3)
    entries = [IndexEntry(result=make_document()), IndexEntry(result=empty)]
    page = render_index(entries)
    lists = re.findall('<ul class="best.*?</ul>', page, re.DOTALL)
    texts = [" ".join(re.sub("<[^>]*>", " ", text).split()) for text in lists]
    assert texts == [
        "juggling balls 0:03 riding a bike 0:03 jumping jacks 0:00.7",
        "\u2013 maybe clapping 0.20",
    ]
    assert 'class="best guess"' in lists[1]
    labels = [entry["labels"] for entry in json.loads(Parsed(page).scripts[0])]
    assert [found[0] for found in labels[0]] == ["juggling balls", "jumping jacks", "riding a bike"]
    assert labels[1] == []  # a search finds segments, not guesses


def test_an_index_knows_the_moments_of_each_label():
    data = json.loads(Parsed(make_index()).scripts[0])
    assert [entry["name"] for entry in data] == ["park.mp4", "conference.mp4"]
    assert ["riding a bike", 2, 2.0, 4.0] in data[0]["labels"]
    assert all(len(label) <= 7 for entry in data for label in entry["labels"])


def test_an_index_says_what_a_model_does_not_know():
    assert "knows drawn figures only, not real footage" in " ".join(Parsed(make_index()).texts)


def test_an_index_of_nothing_and_of_failures_alone():
    assert "No video could be tagged." in render_index([])
    page = render_index([IndexEntry(result=make_failed())])
    assert "No video could be tagged." in page
    assert "clips/broken.mp4" in page


def test_hostile_kinds_stand_in_an_index():
    page = Parsed(render_index([IndexEntry(result=one) for one in DOCUMENTS.values()]))
    assert len(page.having("script")) == 2
    assert len(page.having("article")) == len(DOCUMENTS)


def test_the_stretches_of_an_index_lead_to_their_moments():
    document = make_document()
    boxes = make_strip(document)
    assert [(box.label, box.start_seconds) for box in boxes] == [
        ("juggling balls", 0.0),
        ("riding a bike", 4.0),  # for its first segment, another label scores better
        ("jumping jacks", 7.0),
    ]
    page = Parsed(render_index([IndexEntry(result=document, page_href="a%20b.html")]))
    links = [a["href"] for a in page.having("a", tabindex="-1") if "#t=" in a["href"]]
    assert links == [f"a%20b.html#t={box.start_seconds}" for box in boxes]
    assert "a%20b.html#t=0.5" in page.attributes("href")  # the best moment of a label, by keyboard
    plain = Parsed(render_index([IndexEntry(result=document)]))
    assert not [href for href in plain.attributes("href") if "#t=" in href]


def test_very_many_strips_are_not_linked(monkeypatch):
    monkeypatch.setattr("vidtag.report.index.MAX_STRIP_LINKS", 5)
    entries = [IndexEntry(result=make_document(), page_href=f"{k}.html") for k in range(3)]
    page = Parsed(render_index(entries))
    linked = [a["href"] for a in page.having("a", tabindex="-1") if "#t=" in a["href"]]
    assert {href.split("#")[0] for href in linked} == {"0.html"}


def test_an_index_leaves_out_pictures_before_it_grows_too_large():
    picture = make_picture(0.5, num_bytes=3_000_000)
    page = render_index([IndexEntry(result=make_document(), picture=picture)] * 4)
    assert page.count("<img") == 2
    assert "2 pictures were left out" in page
    assert "left out" not in make_index()


def test_an_index_is_the_same_each_time():
    assert make_index() == make_index()


# --- what is loaded -----------------------------------------------------------------------------


def test_pages_load_neither_ffmpeg_nor_pillow_nor_torch():
    code = (
        "import sys, vidtag.report; assert 'jinja2' not in sys.modules;"
        "import vidtag.report.page, vidtag.report.index;"
        "print({'av', 'PIL', 'torch', 'pydantic', 'typer'} & set(sys.modules) or 'none')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "none\n"
