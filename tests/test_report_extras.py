"""What pages have in them beyond a document: files to take along, the video, maps, and links."""

import base64
import json
import re
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from documents import HOSTILE_LABELS, make_document, make_documents
from fake_classifier import FakeClassifier
from make_video import make_video
from test_report import HOUR, Parsed, make_clip, make_pictures

from vidtag.cli import app
from vidtag.documents.stored import parse_stored
from vidtag.explain.pages import Explainer
from vidtag.formats import FORMATS
from vidtag.formats.format import Place
from vidtag.formats.html import NO_TIMING, Extras, make_downloads, with_extras
from vidtag.models.options import LoadOptions
from vidtag.report.embedding import EmbeddedVideo, NotEmbedded, read_video
from vidtag.report.moments import MIN_FOLDED, NUM_ALIKE, Explained, gather_moments
from vidtag.report.page import MAX_DOWNLOAD_BYTES, render_page
from vidtag.tagging.settings import Settings

PARK_WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"


def files_of(page: str) -> dict[str, bytes]:
    """Unpack what a page hands out, as its script does."""
    files = json.loads(Parsed(page).scripts[0])["files"]
    return {name: zlib.decompress(base64.b64decode(packed)) for name, _, packed in files}


# --- files to take along --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", make_documents())
def test_a_page_hands_out_what_the_formats_write(kind):
    document = make_documents()[kind]
    files = files_of(FORMATS["html"].write([document]))
    assert [name[-4:] for name in files] == [".csv", ".srt", "json"]
    for name, content in files.items():
        suffix = name.rpartition(".")[2]
        told = document if suffix != "json" else replace(document, timing=NO_TIMING)
        written = FORMATS[suffix].write([told]).encode("utf-8", "backslashreplace")
        assert content == written, name


def test_the_json_of_a_page_reads_back_but_for_how_long_it_took():
    document = make_document()
    files = files_of(FORMATS["html"].write([document]))
    assert list(files) == ["park.mp4.csv", "park.mp4.srt", "park.mp4.json"]
    assert parse_stored(files["park.mp4.json"]) == replace(document, timing=NO_TIMING)
    slower = replace(document, timing=replace(document.timing, total_seconds=99.0))
    assert FORMATS["html"].write([slower]) == FORMATS["html"].write([document])


def test_what_is_too_large_is_left_out_and_told(monkeypatch):
    document = make_document()
    whole = render_page(document, video_href=None, downloads=make_downloads(document))
    assert "Too large for this page" not in whole
    assert Parsed(whole).having("button", **{"data-file": "2"})
    monkeypatch.setattr("vidtag.report.page.MAX_DOWNLOAD_BYTES", 1500)
    page = render_page(document, video_href=None, downloads=make_downloads(document))
    assert list(files_of(page)) == ["park.mp4.csv", "park.mp4.srt"]
    assert "Too large for this page: JSON." in page
    assert "<code>vidtag VIDEO -f json</code> writes it.</p>" in page
    monkeypatch.setattr("vidtag.report.page.MAX_DOWNLOAD_BYTES", 10)
    page = render_page(document, video_href=None, downloads=make_downloads(document))
    assert "Too large for this page: CSV, SRT, JSON." in page
    assert "<code>vidtag show RESULT -f csv</code>" in page
    assert files_of(page) == {}


@pytest.mark.slow
def test_an_hour_with_its_files_and_pictures_stays_under_two_megabytes():
    page = render_page(
        HOUR,
        video_href="conference.mp4",
        pictures=make_pictures(HOUR, num_bytes=15_000),
        downloads=make_downloads(HOUR),
    )
    assert len(page.encode()) < 2_000_000
    assert len(files_of(page)) == 3
    assert page.count("<img") >= 40  # one for each label
    assert sum(len(packed) for _, _, packed in json.loads(Parsed(page).scripts[0])["files"]) < (
        MAX_DOWNLOAD_BYTES
    )


def test_files_are_named_after_hostile_videos_as_text():
    document = make_document('a"><script>\x1b\n.mp4', rows=[((0, 0.9),)], labels=HOSTILE_LABELS)
    page = Parsed(FORMATS["html"].write([document]))
    assert len(page.having("script")) == 2
    titles = [one["title"] for one in page.having("button") if "data-file" in one]
    assert titles[0].startswith('a"><script>\\u001b\\n.mp4.csv: ')


# --- moments that are alike -----------------------------------------------------------------------


def shuttle(num_rounds: int) -> list:
    """Juggling again and again, with a bike between."""
    rows = []
    for k in range(num_rounds):
        rows += [((2, 0.6 + k / 100),), ((4, 0.9),) if k < 2 else ((1, 0.1),)]
    return rows


def test_moments_of_one_label_beyond_its_best_are_folded():
    document = make_document(rows=shuttle(10), duration=20.0)
    moments = gather_moments(document, make_pictures(document))
    assert [fold.label for fold in moments.folds] == ["juggling balls"]
    assert len(moments.folds[0].cards) == 10 - NUM_ALIKE
    shown = [card for card in moments.cards if card.index == 2]
    assert [card.seconds for card in shown] == [12.5, 14.5, 16.5, 18.5]  # the best, in time
    assert len([card for card in moments.cards if card.index == 4]) == 2
    page = render_page(document, video_href=None, pictures=make_pictures(document))
    assert re.search("6 more of .*<bdi>juggling balls</bdi>", page)
    assert page.count("<img") == len(document.segments) == 12
    details = Parsed(page).having("details", **{"class": "alike"})
    assert details == [{"class": "alike", "data-index": "2"}]


def test_a_few_alike_are_not_worth_a_fold():
    num = NUM_ALIKE + MIN_FOLDED - 1
    document = make_document(rows=shuttle(num), duration=2.0 * num)
    assert not gather_moments(document, make_pictures(document)).folds


def test_what_is_explained_is_never_folded():
    document = make_document(rows=shuttle(10), duration=20.0)
    clip = make_clip(document)  # of the first segment, the weakest of its label
    moments = gather_moments(document, make_pictures(document), [clip])
    assert moments.cards[0].explanations
    assert moments.folds[0].cards[0].explained_seconds == moments.cards[0].seconds


# --- maps, and why there is none ------------------------------------------------------------------


def test_a_page_says_which_moments_have_a_map():
    document = make_document()
    explained = Explained(clips=(make_clip(document, index=4, seconds=2.5),), note="The best has.")
    page = render_page(
        document, video_href=None, pictures=make_pictures(document), explained=explained
    )
    assert "The best has." in page
    assert page.count("card explained") == 1
    parsed = Parsed(page)  # the other moment of the same label leads to it
    assert parsed.having("article", id="map-4-2.5")
    assert len(parsed.having("a", href="#map-4-2.5")) == 1


def test_a_page_without_moments_still_says_why_nothing_is_explained():
    document = make_documents()["empty"]
    asked = Explainer(LoadOptions(), Settings()).explain(document, "empty.mp4")
    page = render_page(document, video_href=None, explained=asked)
    assert "No label holds, so there is no moment to explain." in page


@pytest.mark.parametrize(
    ("source", "said"),
    [("https://example.org/a.mp4", "none of this machine"), ("gone.mp4", "none of this machine")],
)
def test_what_is_no_file_is_not_explained_and_told(source, said):
    asked = Explainer(LoadOptions(), Settings()).explain(make_document(), source)
    assert not asked.clips
    assert said in asked.note


def test_a_video_that_has_gone_bad_is_not_explained_and_told(tmp_path, monkeypatch):
    (tmp_path / "bad.mp4").write_text("no video")
    monkeypatch.setattr("vidtag.explain.run.load_classifier", lambda *_: FakeClassifier())
    asked = Explainer(LoadOptions(), Settings()).explain(make_document(), f"{tmp_path}/bad.mp4")
    assert asked.note.startswith("No moment has a map: ")
    assert "bad.mp4" in asked.note


# --- the video in its page ------------------------------------------------------------------------


def test_a_video_can_be_part_of_its_page(tmp_path):
    document = make_document(f"{tmp_path}/park.mp4")
    (tmp_path / "park.mp4").write_bytes(b"video")
    video = read_video(f"{tmp_path}/park.mp4", document)
    page = Parsed(render_page(document, video_href="park.mp4", video=video))
    (player,) = page.having("video")
    assert player["src"] == "data:video/mp4;base64," + base64.b64encode(b"video").decode()
    assert "park.mp4" not in page.attributes("href")  # there is no file to open


@pytest.mark.parametrize(
    ("container", "codec", "content", "expected"),
    [
        ("mp4", "h264", b"x", "video/mp4"),
        ("mp4", "hevc", b"x", "not every browser plays hevc in mp4; h264 in mp4 would do"),
        ("matroska", "vp9", PARK_WEBM, "video/webm"),
        ("matroska", "vp9", b"\x1aE\xdf\xa3 matroska", "not every browser plays vp9 in matroska"),
        ("mp4", "h264", b"x" * 1001, "it is larger than"),
        ("mp4", "h264", None, "it is no file of this machine"),
    ],
)
def test_only_what_browsers_play_and_mail_takes_is_embedded(
    tmp_path, monkeypatch, container, codec, content, expected
):
    monkeypatch.setattr("vidtag.report.embedding.MAX_VIDEO_BYTES", 1000)
    path = tmp_path / "clip"
    if content is not None:
        path.write_bytes(content)
    document = make_document(str(path))
    document = replace(document, video=replace(document.video, container=container, codec=codec))
    found = read_video(str(path), document)
    if isinstance(found, EmbeddedVideo):
        assert found.media_type == expected
    else:
        assert found.reason.startswith(expected)


def test_a_page_that_goes_without_its_video_says_so_and_links_it(tmp_path):
    (tmp_path / "park.mp4").write_bytes(b"x")
    document = make_document(f"{tmp_path}/park.mp4")
    document = replace(document, video=replace(document.video, codec="hevc"))
    told: list[str] = []
    place = Place(source=f"{tmp_path}/park.mp4", path=f"{tmp_path}/page.html")
    one = with_extras(Extras(embed_video=True, warn=told.append))
    page = one.write_at(document, place)
    assert told == [
        "park.mp4: the video is not in its page, since not every browser plays hevc in mp4; h264 "
        "in mp4 would do."
    ]
    assert "The video is not in this page, since not every browser plays hevc" in page
    assert Parsed(page).having("video", src="park.mp4")
    assert isinstance(read_video(place.source, document), NotEmbedded)


def test_extras_are_named_so_that_pages_with_others_are_made_anew():
    def explain(document, source):
        return Explained()

    assert Extras().name == ""
    assert Extras(embed_video=True).name == "video"
    assert Extras(explain=explain).name == "maps"
    assert Extras(explain=explain, embed_video=True).name == "maps+video"


# --- as a run leaves them -------------------------------------------------------------------------


@pytest.fixture
def run(capfd, monkeypatch, tmp_path):
    """Run the command in this process, in a folder with two videos; return code and stderr."""
    monkeypatch.setattr("vidtag.cli.tag_run.load_classifier", lambda *_: FakeClassifier())
    monkeypatch.setenv("VIDTAG_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in ("one.mp4", "two.mp4"):
        make_video(f"in/{name}", num_frames=60, fps=10)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vidtag", *arguments])
        code = app.run()
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.mark.slow
def test_pages_of_a_folder_lead_back_to_their_index_and_one_alone_has_none(run):
    assert run("in", "-f", "html", "-o", "out/", "--no-cache")[0] == 0
    index = Path("out/index.html").read_text()
    for name in ("one.mp4", "two.mp4"):
        page = Path(f"out/{name}.html").read_text()
        assert Parsed(page).having("a", href="index.html"), name
        assert f'href="{name}.html#t=' in index
    assert run("in/one.mp4", "-o", "alone.html", "--no-cache")[0] == 0
    assert "index.html" not in Path("alone.html").read_text()
    assert "All videos" not in run("in/one.mp4", "-f", "html", "--no-cache")[1]


def test_the_index_of_a_tree_is_found_from_below(run):
    Path("in/deep").mkdir()
    Path("in/two.mp4").rename("in/deep/two.mp4")
    assert run("in", "-r", "-f", "html", "-o", "out/", "--no-cache")[0] == 0
    page = Parsed(Path("out/deep/two.mp4.html").read_text())
    assert page.having("a", href="../index.html")


def test_pages_do_not_depend_on_what_else_was_tagged(run):
    assert run("in", "-f", "html", "-o", "both/", "--no-cache")[0] == 0
    assert run("in/two.mp4", "-f", "html", "-o", "own/", "--no-cache")[0] == 0
    assert Path("both/two.mp4.html").read_bytes() == Path("own/two.mp4.html").read_bytes()


def test_stored_documents_give_the_same_pages(run):
    assert run("in", "-f", "html", "-f", "json", "-o", "out/", "--no-cache")[0] == 0
    documents = ["out/one.mp4.json", "out/two.mp4.json"]
    assert run("show", *documents, "-f", "html", "-o", "shown/")[0] == 0
    for name in ("one.mp4.html", "two.mp4.html", "index.html"):
        assert Path("out", name).read_bytes() == Path("shown", name).read_bytes()
    assert run("show", documents[0], "-f", "html", "--embed-video", "-o", "whole.html")[0] == 0
    assert "data:video/mp4;base64," in Path("whole.html").read_text()


@pytest.mark.slow
def test_a_page_without_its_video_is_not_done_where_that_is_asked_for(run):
    pages = ("in", "-f", "html", "-o", "out/", "--skip-existing", "--no-cache")
    for arguments, said in (
        ([], "2 tagged in 0:"),
        (["--embed-video"], "2 tagged in 0:"),
        (["--embed-video"], "0 tagged, 2 skipped in 0:"),
        ([], "2 tagged in 0:"),
    ):
        code, _, err = run(*pages, *arguments)
        assert (code, said in err) == (0, True), err
        is_whole = "data:video/mp4;base64," in Path("out/one.mp4.html").read_text()
        assert is_whole == bool(arguments)


@pytest.mark.parametrize(
    "arguments", [(), ("-f", "json", "-o", "out/"), ("-f", "html"), ("-o", "a.csv")]
)
def test_a_video_is_embedded_in_pages_alone(run, arguments):
    code, out, err = run("in/one.mp4", "--embed-video", *arguments)
    assert (code, out) == (2, "")
    assert "--embed-video goes with -f html" in err
    Path("a.json").write_text(make_document().to_json())
    code, out, err = run("show", "a.json", "--embed-video", *arguments)
    assert (code, "--embed-video goes with -f html" in err) == (2, True)


def test_a_video_that_is_not_embedded_is_told_on_stderr(run, monkeypatch):
    monkeypatch.setattr("vidtag.report.embedding.MAX_VIDEO_BYTES", 100)
    code, _, err = run("in/one.mp4", "--embed-video", "-o", "page.html", "--no-cache")
    assert code == 0
    assert "warning: one.mp4: the video is not in its page, since it is larger than" in err
    assert "The video is not in this page" in Path("page.html").read_text()
    assert run("in/one.mp4", "-q", "--embed-video", "-o", "page.html", "--no-cache")[2] == ""
