import io
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest

from vidtag.errors import INPUT_ERROR_CODES, UsageError
from vidtag.extensions import VIDEO_EXTENSIONS
from vidtag.inputs.finding import find_inputs
from vidtag.inputs.found import Inputs


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*paths: str) -> None:
    for path in paths:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb"):
            pass


def sources(inputs: Inputs) -> list[str]:
    return [item.source for item in inputs.items]


def names(inputs: Inputs) -> list[str]:
    return [str(item.name) for item in inputs.items]


def codes(inputs: Inputs) -> list[tuple[str, str]]:
    return [(failure.path, failure.code) for failure in inputs.failures]


def find(*arguments: str, recursive: bool = False) -> Inputs:
    return find_inputs(arguments, recursive=recursive)


def give_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def test_files_come_as_named_even_if_missing_or_no_video(here: Path) -> None:
    touch("b.mp4", "notes.txt")
    inputs = find("b.mp4", "notes.txt", "missing.mp4")
    assert sources(inputs) == ["b.mp4", "notes.txt", "missing.mp4"]
    assert not inputs.failures
    assert inputs.num_other_files == 0
    assert inputs.is_many


def test_one_file_is_not_many(here: Path) -> None:
    touch("b.mp4")
    assert not find("b.mp4").is_many
    assert not find("b.mp4", "./b.mp4").is_many
    assert not find("-").is_many
    assert find(".").is_many
    assert find("*.mp4").is_many


def test_nothing_named(here: Path) -> None:
    assert find() == Inputs(items=())


def test_a_folder_gives_its_own_videos_and_counts_the_rest(here: Path) -> None:
    touch("v/b.MP4", "v/a.mkv", "v/notes.txt", "v/clip.mp4.json", "v/sub/c.mp4", "v/sub/x.txt")
    inputs = find("v")
    assert sources(inputs) == ["v/a.mkv", "v/b.MP4"]
    assert names(inputs) == ["a.mkv", "b.MP4"]
    assert inputs.num_other_files == 2


def test_a_tree_is_sorted_by_the_bytes_of_its_paths(here: Path) -> None:
    touch("v/a/z.mp4", "v/a-b/x.mp4", "v/B.mp4", "v/a.mp4", "v/é.mp4", "v/a/n.txt")
    inputs = find("v/", recursive=True)
    assert names(inputs) == ["B.mp4", "a-b/x.mp4", "a.mp4", "a/z.mp4", "é.mp4"]
    assert inputs.num_other_files == 1


def test_the_order_does_not_depend_on_the_file_system(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(*(f"v/{a}/{b}.mp4" for a in "cab" for b in "312"))
    expected = names(find("v", recursive=True))
    scandir = os.scandir

    class Reversed:
        def __init__(self, path: str) -> None:
            with scandir(path) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Reversed)
    assert names(find("v", recursive=True)) == expected == sorted(expected)


def test_hidden_files_and_folders_are_left_out_unless_named(here: Path) -> None:
    touch("v/._clip.mp4", "v/.hidden.mp4", "v/.git/x.mp4", "v/clip.mp4")
    assert names(find("v", recursive=True)) == ["clip.mp4"]
    assert find("v", recursive=True).num_other_files == 0
    assert sources(find("v/.hidden.mp4")) == ["v/.hidden.mp4"]
    assert names(find("v/.git")) == ["x.mp4"]
    assert names(find("v/**/*.mp4")) == ["clip.mp4"]
    assert names(find("v/.*.mp4")) == ["._clip.mp4", ".hidden.mp4"]


def test_an_empty_folder_is_a_failure_that_knows_of_subfolders(here: Path) -> None:
    touch("v/sub/clip.mp4", "w/notes.txt", "ok.mp4")
    inputs = find("v", "w", "ok.mp4")
    assert codes(inputs) == [("v", "nothing_found"), ("w", "nothing_found")]
    assert "-r" in str(inputs.failures[0])
    assert "-r" not in str(inputs.failures[1])
    assert sources(inputs) == ["ok.mp4"]
    assert inputs.num_other_files == 1


def test_symlink_loops_end(here: Path) -> None:
    touch("v/a/clip.mp4")
    os.symlink("..", "v/a/up")
    os.symlink("../a", "v/a/self")
    os.symlink("loop.mp4", "v/loop.mp4")
    inputs = find("v", recursive=True)
    assert names(inputs) == ["a/clip.mp4", "loop.mp4"]  # its reader says what is wrong with it
    assert "a/clip.mp4" in names(find("v/**/*.mp4"))
    assert len(find("v/**/*.mp4").items) == 2


def test_links_are_followed_but_a_file_comes_once_by_its_own_name(here: Path) -> None:
    touch("v/z/clip.mp4", "elsewhere/other.mp4")
    os.symlink("z", "v/a_link")
    os.symlink("z/clip.mp4", "v/a_clip.mp4")
    os.symlink("../elsewhere", "v/linked")
    inputs = find("v", recursive=True)
    assert names(inputs) == ["linked/other.mp4", "z/clip.mp4"]
    assert names(find("v")) == ["a_clip.mp4"]


def test_broken_links_are_tried_and_pipes_are_not(here: Path) -> None:
    os.mkdir("v")
    os.symlink("gone.mp4", "v/broken.mp4")
    os.mkfifo("v/pipe.mp4")
    inputs = find("v")
    assert names(inputs) == ["broken.mp4"]
    assert inputs.num_other_files == 1
    assert sources(find("v/pipe.mp4")) == ["v/pipe.mp4"]


def test_the_same_file_comes_once_where_it_was_named_first(here: Path) -> None:
    touch("v/a.mp4", "v/b.mp4", "other/c.mp4")
    os.symlink("v/b.mp4", "link.mp4")
    inputs = find("link.mp4", "./v/../v/b.mp4", "v", "v/*.mp4", str(here / "v" / "a.mp4"))
    assert sources(inputs) == ["link.mp4", "v/a.mp4"]
    os.link("v/a.mp4", "v/hard.mp4")
    assert names(find("v")) == ["a.mp4", "b.mp4", "hard.mp4"]  # two names, two videos


def test_names_that_are_no_utf8_survive(here: Path) -> None:
    raw = b"v/caf\xe9.mp4"
    os.mkdir("v")
    with open(raw, "wb"):
        pass
    for inputs in (find("v"), find("v/*.mp4"), find(os.fsdecode(raw))):
        assert [os.fsencode(source) for source in sources(inputs)] == [raw]
        assert [os.fsencode(str(item.name)) for item in inputs.items] == [b"caf\xe9.mp4"]


def test_an_existing_file_wins_over_reading_its_name_as_a_glob(here: Path) -> None:
    touch("clip[1].mp4", "clip1.mp4", "what?.mp4", "star*.mp4")
    inputs = find("clip[1].mp4", "what?.mp4", "star*.mp4")
    assert sources(inputs) == ["clip[1].mp4", "what?.mp4", "star*.mp4"]
    os.remove("clip[1].mp4")
    assert sources(find("clip[1].mp4")) == ["clip1.mp4"]


def test_globs_with_an_extension_take_what_they_match(here: Path) -> None:
    touch("v/b.bin", "v/a.bin", "v/c.mp4", "v/n.txt")
    assert sources(find("v/*.bin")) == ["v/a.bin", "v/b.bin"]
    assert names(find("v/*.bin")) == ["a.bin", "b.bin"]
    everything = find("v/*")
    assert names(everything) == ["c.mp4"]
    assert everything.num_other_files == 3


def test_globs_over_folders(here: Path) -> None:
    touch("v/d1/x.mp4", "v/d2/x.mp4", "v/d2/deep/y.mp4", "v/top.mp4", "v/d1/n.txt")
    assert names(find("v/d*/*.mp4")) == ["d1/x.mp4", "d2/x.mp4"]
    assert names(find("v/**/*.mp4")) == ["d1/x.mp4", "d2/deep/y.mp4", "d2/x.mp4", "top.mp4"]
    assert names(find("v/**")) == ["d1/x.mp4", "d2/deep/y.mp4", "d2/x.mp4", "top.mp4"]
    assert names(find("v/d*")) == ["d1/x.mp4", "d2/x.mp4"]
    assert names(find("v/d*", recursive=True)) == ["d1/x.mp4", "d2/deep/y.mp4", "d2/x.mp4"]
    assert names(find("*/d2/*")) == ["v/d2/deep/y.mp4", "v/d2/x.mp4"]
    assert names(find(str(here / "v" / "d[12]" / "x.mp4"))) == ["d1/x.mp4", "d2/x.mp4"]
    assert names(find("v/**/deep/*.mp4")) == ["d2/deep/y.mp4"]


def test_a_glob_that_finds_nothing_is_a_failure(here: Path) -> None:
    touch("v/notes.txt")
    for pattern in ("*.mp4", "v/*", "none/*.mp4", "v/notes.txt/*"):
        assert codes(find(pattern)) == [(pattern, "nothing_found")]


def test_urls_are_passed_through_and_named(here: Path) -> None:
    inputs = find(
        "https://me:secret@example.org/a%20b/clip.mp4?X-Signature=a[1]*",
        "rtsp://camera.local/",
        "https://example.org/watch?v=1",
        "https://example.org/%2e%2e%2f%2e%2e%2fetc/..",
    )
    assert sources(inputs)[0].startswith("https://me:secret@")
    assert names(inputs)[:2] == ["clip.mp4", "camera.local"]
    assert names(inputs)[2].startswith("watch-")
    assert not any("secret" in name or ".." in PurePosixPath(name).parts for name in names(inputs))
    assert all("/" not in name for name in names(inputs))


def test_urls_of_one_name_keep_their_path(here: Path) -> None:
    inputs = find("https://a.org/x/clip.mp4", "https://b.org/x/clip.mp4")
    assert names(inputs) == ["a.org/x/clip.mp4", "b.org/x/clip.mp4"]


def test_long_url_names_are_cut(here: Path) -> None:
    [name] = names(find("https://example.org/" + "é" * 300 + ".mp4"))
    assert len(name.encode()) <= 200
    assert name.endswith(".mp4")


def test_files_are_called_by_their_last_part_where_that_tells_them_apart(here: Path) -> None:
    touch("a/clip.mp4", "b/clip.mp4", "b/other.mp4", "clip.mov")
    assert names(find("a/clip.mp4", "b/other.mp4")) == ["clip.mp4", "other.mp4"]
    assert names(find(str(here / "a" / "clip.mp4"))) == ["clip.mp4"]
    assert names(find("a/clip.mp4", "b/clip.mp4", "clip.mov")) == [
        "a/clip.mp4",
        "b/clip.mp4",
        "clip.mov",
    ]
    assert names(find(str(here / "b/clip.mp4"), "b/../a/clip.mp4")) == ["b/clip.mp4", "a/clip.mp4"]


def test_stdin_has_a_name(here: Path) -> None:
    inputs = find("-", "-")
    assert sources(inputs) == ["-"]
    assert names(inputs) == ["stdin"]


def test_lists_keep_their_paths_and_odd_names(here: Path) -> None:
    touch("v/a b.mp4", "v/new\nline.mp4", "w/-")
    raw = b"./v/a b.mp4\0v/new\nline.mp4\0\0/srv/caf\xe9 [1]*.mp4\0../up.mp4\0-\0"
    Path("list").write_bytes(raw)
    inputs = find_inputs([], recursive=False, files_from=["list"], nul_separated=True)
    assert sources(inputs) == [
        "./v/a b.mp4",
        "v/new\nline.mp4",
        "/srv/caf\udce9 [1]*.mp4",
        "../up.mp4",
        "./-",
    ]
    assert names(inputs) == [
        "v/a b.mp4",
        "v/new\nline.mp4",
        "srv/caf\udce9 [1]*.mp4",
        "up.mp4",
        "-",
    ]
    assert inputs.is_many


def test_lists_with_lines(here: Path) -> None:
    Path("list").write_bytes(b"\xef\xbb\xbf# not a comment.mp4\r\n\r\n  \n b .mp4\nlast.mp4")
    inputs = find_inputs(["first.mp4"], recursive=False, files_from=["list"])
    assert sources(inputs) == ["first.mp4", "# not a comment.mp4", " b .mp4", "last.mp4"]


def test_lists_may_name_folders_and_urls(here: Path) -> None:
    touch("v/a.mp4", "v/sub/b.mp4", "v/n.txt")
    Path("list").write_text("v\nv/a.mp4\nhttps://example.org/c.mp4\n")
    inputs = find_inputs([], recursive=True, files_from=["list"])
    assert sources(inputs) == ["v/a.mp4", "v/sub/b.mp4", "https://example.org/c.mp4"]
    assert names(inputs) == ["v/a.mp4", "v/sub/b.mp4", "c.mp4"]


def test_a_list_from_stdin(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_stdin(monkeypatch, b"a.mp4\0b.mp4\0")
    inputs = find_inputs([], recursive=False, files_from=["-"], nul_separated=True)
    assert sources(inputs) == ["a.mp4", "b.mp4"]


def test_stdin_is_read_once(here: Path) -> None:
    with pytest.raises(UsageError, match="only once"):
        find_inputs(["-"], recursive=False, files_from=["-"])
    with pytest.raises(UsageError, match="only once"):
        find_inputs([], recursive=False, files_from=["-", "-"])


def test_a_nul_separated_list_without_the_option_is_wrong_usage(here: Path) -> None:
    Path("list").write_bytes(b"a.mp4\0b.mp4\0")
    with pytest.raises(UsageError, match="-0"):
        find_inputs([], recursive=False, files_from=["list"])


def test_missing_and_empty_lists_are_failures_and_the_rest_goes_on(here: Path) -> None:
    Path("empty").write_bytes(b"\n\n")
    os.mkdir("folder")
    lists = ["missing", "empty", "folder"]
    inputs = find_inputs(["a.mp4"], recursive=False, files_from=lists)
    assert codes(inputs) == [
        ("missing", "not_found"),
        ("empty", "nothing_found"),
        ("folder", "read_failed"),
    ]
    assert sources(inputs) == ["a.mp4"]


def test_an_unreadable_folder_is_a_failure_and_nothing_else_is_lost(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Simulated, because root may read everything.
    touch("v/closed/a.mp4", "v/open/b.mp4", "v/c.mp4")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.rstrip("/").endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    inputs = find("v", recursive=True)
    assert names(inputs) == ["c.mp4", "open/b.mp4"]
    assert codes(inputs) == [("v/closed", "permission_denied")]
    assert codes(find("v/closed")) == [("v/closed", "permission_denied")]
    by_glob = find("v/**/*.mp4")
    assert names(by_glob) == ["c.mp4", "open/b.mp4"]
    assert codes(by_glob) == [("v/closed/", "permission_denied")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_really_unreadable_folder_is_a_failure(here: Path) -> None:
    touch("v/closed/a.mp4", "v/b.mp4")
    os.chmod("v/closed", 0)
    try:
        assert codes(find("v", recursive=True)) == [("v/closed", "permission_denied")]
    finally:
        os.chmod("v/closed", 0o700)


def test_every_code_is_listed(here: Path) -> None:
    os.mkdir("empty")
    for failure in find("empty", "*.none").failures:
        assert failure.code in INPUT_ERROR_CODES


def test_folders_may_be_searched_for_more(here: Path) -> None:
    touch("v/a.mp4", "v/a.mp4.JSON", "v/n.txt")
    inputs = find_inputs(["v"], recursive=False, extensions=VIDEO_EXTENSIONS | {".json"})
    assert names(inputs) == ["a.mp4", "a.mp4.JSON"]
    assert inputs.num_other_files == 1


def test_extensions_are_lower_case_with_a_point() -> None:
    assert all(one.startswith(".") and one == one.lower() for one in VIDEO_EXTENSIONS)
    assert {".mp4", ".mov", ".mkv", ".webm", ".avi"} <= VIDEO_EXTENSIONS
    of_cameras = {".3gpp", ".insv", ".lrv", ".mod", ".tod", ".trp", ".m2p", ".avif"}
    assert of_cameras <= VIDEO_EXTENSIONS
    assert not {".json", ".csv", ".srt", ".vtt", ".gif", ".mp3"} & VIDEO_EXTENSIONS


def test_finding_inputs_imports_nothing_heavy() -> None:
    code = (
        "import sys, vidtag.inputs.finding\n"
        "print([m for m in ('av', 'numpy', 'torch', 'typer', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
