"""The pages in a real browser: seeking, filter, keyboard, and what it may not do."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from chromium import Chromium, Page
from documents import HOSTILE_LABELS, make_document, make_documents, make_failed, make_worded
from PIL import Image

from vidtag.documents.records import Document
from vidtag.formats.html import make_downloads
from vidtag.report.embedding import read_video
from vidtag.report.index import IndexEntry, render_index
from vidtag.report.moments import Explained, ExplanationClip
from vidtag.report.page import render_page
from vidtag.report.rendering import relative_href
from vidtag.report.thumbnails import read_thumbnails

pytestmark = [pytest.mark.tool("chromium"), pytest.mark.slow]

WARNING = ("odd", "<img src=x onerror=alert(1)>")

VIDEO_NAME = "park #1 50%? <script>alert('x')<script> javascript:.webm"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


def write_video(
    path: Path, *, num_seconds: int = 8, rate: int = 10, first_seconds: int = 0
) -> None:
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        stream.options = {"deadline": "realtime", "cpu-used": "8", "g": "10"}
        for k in range(num_seconds * rate):
            pixels = np.full((90, 160, 3), 30 + 2 * k, np.uint8)
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = first_seconds * rate + k, Fraction(1, rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def make_gif() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 90, 0)).save(buffer, "GIF")
    return buffer.getvalue()


def with_webm(document: Document) -> Document:
    return replace(document, video=replace(document.video, container="matroska", codec="vp9"))


def maps(document: Document) -> Explained:
    """A map of the best moment alone."""
    segment = document.segments[0]
    clip = ExplanationClip(
        index=segment.index,
        seconds=segment.peak_seconds,
        label=segment.label,
        media_type="image/gif",
        content=make_gif(),
        caption="Warm is where the evidence lies, and a caption has more than one line of text.",
    )
    return Explained(clips=(clip,), note="The best moment has a map.")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report as a run leaves it: videos beside their pages, and an index."""
    folder = tmp_path_factory.mktemp("report")
    video = folder / VIDEO_NAME
    write_video(video)
    alike = make_document(
        str(video), rows=[((2 if k % 2 else 4, 0.9 - k / 100),) for k in range(16)], stride=0.5
    )
    document = make_document(str(video), warnings=[WARNING])
    segment = document.segments[0]
    clip = ExplanationClip(
        index=segment.index,
        seconds=segment.peak_seconds,
        label=segment.label,
        media_type="image/gif",
        content=make_gif(),
        caption="Warm is where the evidence lies.",
    )
    pages = {
        "park": render_page(
            document,
            video_href=relative_href(video, folder),
            pictures=read_thumbnails(str(video), document),
            explained=Explained(clips=(clip,)),
            downloads=make_downloads(document),
            index_href="index.html",
        ),
        "plain": render_page(make_document(), video_href=None),
        "gone": render_page(make_document(), video_href="gone.mp4"),
        "late": render_page(make_document("late.webm"), video_href="late.webm"),
        "text": render_page(make_document(), video_href="notes.mp4"),
        "long": render_page(
            make_document(
                rows=[[(step // 9 % 20, 0.8), (20, 0.1)] for step in range(900)],
                labels=[f"the label {k}" for k in range(21)],
            ),
            video_href=None,
        ),
        "whole": render_page(
            document, video_href="gone.webm", video=read_video(str(video), with_webm(document))
        ),
        "alike": render_page(
            alike,
            video_href=None,
            pictures=read_thumbnails(str(video), alike),
            explained=maps(alike),
        ),
        "index": render_index(
            [
                IndexEntry(result=document, page_href="park.html"),
                IndexEntry(result=make_document("b/swim.mp4", rows=[((3, 0.9),)] * 3)),
                IndexEntry(result=make_failed("<script>alert(1)</script>.mp4")),
            ]
        ),
    }
    for k, one in enumerate(make_documents().values()):
        pages[f"kind-{k}"] = render_page(one, video_href=None)
    write_video(folder / "late.webm", first_seconds=3)
    (folder / "notes.mp4").write_text("no video")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return folder


TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def visit(browser: Chromium, site: Path) -> Iterator:
    """Open a page; afterwards, it must have asked for nothing but files, and not complained."""
    opened: list[tuple[Page, bool]] = []

    def open_page(name: str, *, mark: str = "", may_complain: bool = False, **options) -> Page:
        page = browser.open((site / f"{name}.html").as_uri() + mark, **options)
        opened.append((page, may_complain))
        if options.get("can_script", True):
            # Chromium drops keys and clicks until a page was painted for the first time.
            page.wait_until("performance.getEntriesByType('paint').length")
            page.evaluate(TWO_FRAMES)
        return page

    yield open_page
    for page, may_complain in opened:
        page.evaluate("new Promise(done => setTimeout(done, 50))")
        assert {address.split(":")[0] for address in page.addresses} <= {"file", "data"}
        if not may_complain:
            assert page.complaints == []
        page.close()


def ready(page: Page) -> Page:
    page.wait_until("document.getElementById('video').readyState >= 2")
    return page


def time_of(page: Page) -> float:
    page.wait_until("!document.getElementById('video').seeking")
    return page.evaluate("document.getElementById('video').currentTime")


def shown(page: Page, selector: str) -> list[str]:
    """List the labels of the elements that can be seen."""
    return page.evaluate(
        f"""[...document.querySelectorAll("{selector}")].filter(one => one.checkVisibility())
            .map(one => one.textContent.trim())"""
    )


def test_the_video_plays_and_nothing_else_is_asked_for(visit):
    page = ready(visit("park"))
    assert page.evaluate("document.getElementById('video').videoWidth") == 160
    assert page.evaluate("document.getElementById('unplayable').hidden")
    assert len([one for one in page.addresses if one.startswith("file:")]) >= 2


def test_a_name_with_script_is_shown_as_text(visit):
    page = visit("park")
    assert page.evaluate("document.querySelector('h1').textContent") == VIDEO_NAME
    assert VIDEO_NAME in page.evaluate("document.title")
    assert page.evaluate("document.scripts.length") == 2
    assert "<img src=x onerror=alert(1)>" in page.evaluate(
        "document.querySelector('.warnings').textContent"
    )


@pytest.mark.parametrize("kind", range(len(make_documents())))
def test_hostile_documents_run_no_script(visit, kind):
    page = visit(f"kind-{kind}")
    assert page.evaluate("document.scripts.length") == 2
    assert not page.events("Page.javascriptDialogOpening")


def test_hostile_labels_are_shown_as_text(visit):
    kind = list(make_documents()).index("hostile 4")
    page = visit(f"kind-{kind}")
    labels = shown(page, "button.label")
    assert HOSTILE_LABELS[0] in labels
    assert HOSTILE_LABELS[3] in labels


@pytest.mark.parametrize("part", [".lane[data-index='2'] .curve", ".lane[data-index='4'] .track"])
@pytest.mark.parametrize("share", [0.1, 0.55, 0.9])
def test_a_click_on_strip_or_curve_seeks_there(visit, part, share):
    page = ready(visit("park"))
    page.click(part, x=share)
    assert time_of(page) == pytest.approx(share * 7.7, abs=0.02)
    assert float(page.evaluate("document.getElementById('axis').ariaValueNow")) == pytest.approx(
        share * 7.7, abs=0.06
    )


def test_a_click_on_a_segment_seeks_to_the_place_under_the_pointer(visit):
    page = ready(visit("park"))
    page.click(".lane[data-index='2'] .bars a", x=0.5)
    assert time_of(page) == pytest.approx(1.5, abs=0.03)


def test_a_click_on_a_thumbnail_seeks_to_its_moment(visit):
    page = ready(visit("park"))
    page.click(".card[data-index='1'] .shot img")
    assert time_of(page) == pytest.approx(7.35)


def test_a_click_in_the_table_seeks(visit):
    page = ready(visit("park"))
    page.click("#segments tbody tr:nth-child(3) a")
    assert time_of(page) == 4


def test_dragging_along_the_axis_scrubs(visit):
    page = ready(visit("park"))
    page.click("#axis", x=0.25)
    assert time_of(page) == pytest.approx(7.7 / 4, abs=0.02)


def test_the_strip_follows_the_video(visit):
    page = ready(visit("park"))
    page.click("#axis", x=0)  # a browser plays for a person, not for a script
    page.evaluate("document.getElementById('video').play()")
    page.wait_until("document.getElementById('video').currentTime > 1.2")
    page.evaluate("document.getElementById('video').pause()")
    now = time_of(page)
    page.wait_until(f"Math.abs(document.getElementById('axis').ariaValueNow - {now}) < 0.06")
    left = page.evaluate(
        """(() => {
          const axis = document.getElementById("axis").getBoundingClientRect();
          const head = document.getElementById("head").getBoundingClientRect();
          return (head.left + 1 - axis.left) / axis.width;
        })()"""
    )
    assert left == pytest.approx(now / 7.7, abs=0.01)
    assert page.evaluate("document.getElementById('then').textContent").startswith("juggling balls")


def test_the_keyboard_walks_along_segments_and_seeks(visit):
    page = ready(visit("park"))
    focused = "document.activeElement.textContent"
    page.evaluate("document.getElementById('axis').focus()")
    page.press("ArrowRight")
    page.press("ArrowRight")
    assert time_of(page) == 2
    assert page.evaluate("document.activeElement.ariaValueText") == "0:02, juggling balls 0.47"
    page.press("ArrowLeft")
    assert time_of(page) == 1
    page.press("End")
    assert time_of(page) == pytest.approx(7.7)
    page.press("Tab")  # the name of the first lane
    page.press("Tab")  # the one segment that Tab stops at
    assert page.evaluate(focused).startswith("juggling balls, 0:00 to 0:03")
    page.press("ArrowDown")
    assert page.evaluate(focused).startswith("riding a bike, 0:02 to 0:03")
    page.press("ArrowRight")
    assert page.evaluate(focused).startswith("riding a bike, 0:04 to 0:06")
    page.press("Enter")
    assert time_of(page) == 4
    page.press("Home")
    page.press("ArrowUp")
    assert page.evaluate(focused).startswith("juggling balls")
    assert page.evaluate("document.querySelectorAll('.bars a[tabindex=\"0\"]').length") == 1


def test_the_filter_narrows_lanes_pictures_and_rows(visit):
    page = visit("park")
    assert len(shown(page, "button.label")) == 3
    page.evaluate("document.getElementById('filter').focus()")
    page.type_text("BIKE")
    assert shown(page, "button.label") == ["riding a bike"]
    assert len(shown(page, ".card")) == 2
    assert len(shown(page, "#segments tbody tr")) == 2
    assert "1 of 3 labels" in page.evaluate("document.getElementById('status').textContent")
    page.type_text("?")
    assert shown(page, "button.label") == []
    assert "No label matches" in page.evaluate("document.getElementById('status').textContent")
    page.click("#status button")
    assert len(shown(page, "button.label")) == 3


def test_pressed_labels_are_filtered_for(visit):
    page = visit("park")
    page.click(".lane[data-index='1'] button.label")
    assert shown(page, "button.label") == ["jumping jacks"]
    assert (
        page.evaluate("document.querySelector('.lane:not([hidden]) button').ariaPressed") == "true"
    )
    page.click(".lane[data-index='1'] button.label")
    assert len(shown(page, "button.label")) == 3


def test_many_lanes_are_folded_until_asked_for(visit):
    page = visit("long")
    assert len(shown(page, "button.label")) == 12
    page.click("#unfold")
    assert len(shown(page, "button.label")) == 20
    page.click("#unfold")
    page.evaluate("document.getElementById('filter').focus()")
    page.type_text("label 19")
    assert shown(page, "button.label") == ["the label 19"]


def test_zoom_widens_the_strip_and_clicks_still_hit(visit):
    page = visit("long")
    width = "document.getElementById('axis').getBoundingClientRect().width"
    before = page.evaluate(width)
    page.click("[data-zoom='4']")
    assert page.evaluate(width) == pytest.approx(4 * before, rel=0.01)
    page.evaluate("document.getElementById('scroller').scrollLeft = 0")
    page.evaluate("document.getElementById('axis').scrollIntoView({block: 'center'})")
    page.click("#scroller", x=0.5, y=0.5)
    now = float(page.evaluate("document.getElementById('axis').ariaValueNow"))
    assert 0 < now < 900 / 4


def test_every_step_is_listed_when_asked_for(visit):
    page = visit("plain")
    page.click("#steps summary")
    page.wait_until("document.querySelectorAll('#steps-body tr').length === 8")
    row = page.evaluate("document.querySelector('#steps-body tr').textContent")
    assert row.strip() == "0:00juggling balls 0.91 clapping 0.05"


def test_where_no_label_holds_a_moment_reads_as_a_guess(visit):
    page = visit("plain")
    then = "document.getElementById('then')"
    page.evaluate("location.hash = '#t=3.5'")
    page.wait_until(f"{then}.classList.contains('guess')")
    text = page.evaluate(f"[...{then}.children].map((item) => item.textContent).join('|')")
    assert text == "– maybe|riding a bike0.22|juggling balls0.18"  # noqa: RUF001
    page.evaluate("location.hash = '#t=2.5'")
    page.wait_until(f"!{then}.classList.contains('guess')")


def test_a_page_without_a_video_still_has_a_position(visit):
    page = visit("plain")
    page.click(".lane .curve", x=0.7)
    assert page.evaluate("document.getElementById('when').textContent") == "0:05.4"
    assert shown(page, "#then li")[0] == "riding a bike0.72"


@pytest.mark.parametrize("name", ["gone", "text"])
def test_a_video_that_cannot_be_shown_gives_a_sentence(visit, name):
    page = visit(name, may_complain=True)
    page.wait_until("!document.getElementById('unplayable').hidden")
    assert page.evaluate("document.getElementById('video').hidden")
    page.click(".lane .curve", x=0.5)
    assert page.evaluate("document.getElementById('when').textContent") != "0:00"
    assert not page.events("Runtime.exceptionThrown")


def test_an_address_leads_to_a_moment(visit):
    page = ready(visit("park", mark="#t=4.5"))
    assert time_of(page) == 4.5
    page.evaluate("location.hash = '#t=2'")
    page.wait_until("document.getElementById('video').currentTime === 2")
    page.evaluate("location.hash = '#t=javascript:1'")
    assert time_of(page) == 2


def test_times_count_from_the_first_picture_also_where_a_file_begins_later(visit):
    page = ready(visit("late", mark="#t=1"))
    page.wait_until("document.getElementById('video').currentTime === 4")
    page.click("#segments tbody tr:nth-child(3) a")
    assert time_of(page) == 7
    page.wait_until("document.getElementById('when').textContent === '0:04'")


def test_the_index_finds_labels_and_their_moments(visit):
    page = visit("index")
    assert len(shown(page, ".entry")) == 2
    page.evaluate("document.getElementById('filter').focus()")
    page.type_text("bike")
    assert [one.splitlines()[0] for one in shown(page, ".entry h2")] == [VIDEO_NAME]
    assert shown(page, ".hits li") == ["riding a bike 0:02 0:04"]
    page.click(".hits a:last-of-type")
    page.wait_until("document.getElementById('video')?.currentTime === 4")
    assert page.evaluate("location.hash") == "#t=4"


def test_a_stretch_of_the_index_leads_to_its_moment(visit):
    page = visit("index")
    page.click(".strip a:nth-of-type(2) rect")
    page.wait_until("document.getElementById('video')?.currentTime === 4")
    assert page.evaluate("location.hash") == "#t=4.0"
    assert page.evaluate("document.querySelector('.back a').href").endswith("/index.html")


def test_the_best_moments_of_an_index_are_reached_by_keyboard(visit):
    page = visit("index")
    page.evaluate("document.querySelector('h2 a').focus()")
    page.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "juggling balls"
    page.press("Enter")
    page.wait_until("document.getElementById('video')?.currentTime === 0.5")


def test_files_are_saved_as_the_formats_write_them(browser, site, visit, tmp_path):
    page = visit("park")
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    document = make_document(str(site / VIDEO_NAME), warnings=[WARNING])
    assert shown(page, ".pills button") == ["\u2193 Download CSV", "\u2193 Download SRT",
                                            "\u2193 Download JSON"]  # fmt: skip
    for k, wanted in enumerate(make_downloads(document)):
        before = set(tmp_path.iterdir())
        page.click(f"[data-file='{k}']")
        end = time.monotonic() + 20
        while not (new := {one for one in tmp_path.iterdir() if is_saved(one)} - before):
            assert time.monotonic() < end
            page.evaluate("1")
        (saved,) = new
        assert saved.name.endswith(f".webm{wanted.suffix}")
        assert saved.read_bytes() == wanted.content


def is_saved(path: Path) -> bool:
    return path.suffix != ".crdownload" and path.stat().st_size > 0


def test_a_video_in_its_page_plays_without_a_file(visit):
    page = ready(visit("whole", mark="#t=4"))
    assert time_of(page) == 4
    page.click("#segments tbody tr:nth-child(2) a")
    assert time_of(page) == 2
    assert [one for one in page.addresses if one.startswith("file:")] == [
        one for one in page.addresses if one.split("#")[0].endswith("whole.html")
    ]


def test_moments_of_one_label_unfold_by_keyboard(visit):
    page = visit("alike")
    assert len(shown(page, ".card")) == 8
    page.evaluate("document.querySelector('.alike summary').focus()")
    page.press("Enter")
    assert len(shown(page, ".card")) == 12
    page.evaluate("document.getElementById('filter').focus()")
    page.type_text("juggling")
    assert len(shown(page, ".alike")) == 1


def test_cards_with_and_without_a_map_line_up(visit):
    page = visit("alike")
    tops = """(selector) => [...document.querySelectorAll(".cards > .card " + selector)]
        .filter((one) => one.offsetParent && one.getBoundingClientRect().top < first + 40)
        .map((one) => one.getBoundingClientRect())"""
    boxes = page.evaluate(
        f"""(() => {{
          const first = document.querySelector(".card .shot").getBoundingClientRect().top;
          const of = {tops};
          const plain = (all) => all.map((one) => [one.top, one.height, one.width].map(Math.round));
          return [plain(of(".shot")), plain(of(".map"))];
        }})()"""
    )
    assert len(boxes[0]) >= 2
    assert len(boxes[1]) == 1
    assert len({tuple(box) for box in boxes[0] + boxes[1]}) == 1, boxes
    heads = page.evaluate(
        """[...document.querySelectorAll(".cards > .card .text, .cards > .card figcaption")]
            .slice(0, 3).map((one) => one.getBoundingClientRect().top)"""
    )
    assert max(heads) - min(heads) < 1, heads


def test_the_index_finds_names_and_lists_failures(visit):
    page = visit("index")
    assert "<script>alert(1)</script>.mp4" in shown(page, ".failures li")[0]
    page.evaluate("document.getElementById('filter').focus()")
    page.type_text("SWIM")
    assert shown(page, ".entry h2") == ["swim.mp4"]
    assert page.evaluate("document.getElementById('status').textContent") == "1 of 2 videos"


@pytest.mark.parametrize("name", ["park", "plain", "long", "alike", "index"])
@pytest.mark.parametrize("is_dark", [False, True])
def test_pages_fit_a_phone(visit, name, is_dark):
    page = visit(name, width=390, height=844, is_phone=True, is_dark=is_dark)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(int(part) for part in ground[4:-1].split(",")) < 60) == is_dark


def test_a_page_shows_what_it_has_without_script(browser, site):
    page = browser.open((site / "park.html").as_uri(), can_script=False)
    text = page.call("DOM.getDocument", depth=-1)["root"]
    assert "juggling balls" in str(text)
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    files = page.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
    # They need it, and a button that does nothing would be in the way.
    assert "hidden" in page.call("DOM.getAttributes", nodeId=files)["attributes"]
    assert page.complaints == []
    page.close()


@pytest.mark.parametrize("name", ["park", "long", "alike", "index"])
def test_pages_can_be_read_by_a_screen_reader(visit, name):
    page = visit(name)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and "role" in node
    ]
    roles = {role for role, _ in named}
    assert {"banner", "main", "contentinfo", "heading"} <= roles
    unnamed = {role for role, name in named if not name and role in {"button", "link", "image"}}
    assert not unnamed
    assert ("searchbox", "Filter by label") in named or name == "index"
    if name != "index":
        assert ("slider", "Position in the video") in named
        assert {"table", "columnheader", "rowheader"} <= roles or name == "long"


def test_pages_can_be_printed(visit, tmp_path):
    page = visit("park")
    page.pdf(tmp_path / "park.pdf")
    assert (tmp_path / "park.pdf").read_bytes().startswith(b"%PDF")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert shown(page, ".tools, .player, .unfold, .files, .back") == []
    assert len(shown(page, "#segments tbody tr")) == 4
    # Names and scores end where the paper does, not where the screen did.
    view = "getComputedStyle(document.getElementById('canvas')).getPropertyValue('--view')"
    assert page.evaluate(view).strip() == "100%"


def test_none_of_these_is_read_out_and_is_no_guess(browser, tmp_path):
    path = tmp_path / "kitchen.html"
    path.write_text(render_page(make_worded(), video_href=None), encoding="utf-8")
    page = browser.open(f"{path.as_uri()}#t=0.5")
    assert page.evaluate("document.getElementById('then').textContent") == (
        "none of these0.93opening a fridge0.06"
    )
    page.evaluate("location.hash = '#t=5.5'")
    page.wait_until(
        "document.getElementById('then').textContent.startsWith('\u2013 maybewashing up')"
    )
    assert page.evaluate("document.querySelectorAll('.lane').length") == 2
    assert page.complaints == []
    page.close()
