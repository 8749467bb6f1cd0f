"""Nothing of the user's is overwritten by mistake: every command, and every way to try."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from make_video import make_video
from tiny_models import make_tiny_model

from vidtag.cli import app
from vidtag.formats import FORMATS
from vidtag.outputs.replacing import MEDIA_EXTENSIONS, is_media_name

Run = Callable[..., tuple[int, str]]

TAG = ("clip.mp4", "-m", "model", "--engine", "torch", "--precision", "fp32")
SHOW = ("show", "doc.json")
EXPLAIN = ("explain", "clip.mp4", "-m", "model", "--at", "1", "--method", "rollout")

FOREIGN = b"precious"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    make_tiny_model(folder / "model")
    make_video(folder / "clip.mp4", num_frames=30, fps=10, size=(64, 48))
    make_video(folder / "other.mp4", num_frames=10, fps=10, size=(64, 48))
    return folder


@pytest.fixture
def desk(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """Inputs, other files of the user's, and links of every kind."""
    monkeypatch.chdir(tmp_path)
    for name in ("clip.mp4", "other.mp4"):
        Path(name).write_bytes((shelf / name).read_bytes())
    Path("model").mkdir()
    for path in (shelf / "model").iterdir():
        Path("model", path.name).write_bytes(path.read_bytes())
    assert run(*TAG, "--json", "-o", "doc.json")[0] == 0
    for name in ("movie.mov", "photo.png", "song.mp3", "x.xml", "x.xlsx", "x.edl", "notes"):
        Path(name).write_bytes(FOREIGN)
    Path("unnamed").write_bytes(Path("other.mp4").read_bytes())
    Path("list.csv").write_text("clip.mp4\nother.mp4\n")
    os.symlink("clip.mp4", "to_clip.json")
    os.symlink("other.mp4", "to_other.json")
    os.symlink("to_other.json", "to_to_other.json")
    os.symlink("gone.mp4", "to_gone.json")
    os.link("clip.mp4", "same_as_clip.json")
    os.link("other.mp4", "same_as_other.json")
    os.link("doc.json", "same_as_doc.json")
    return tmp_path


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in this process; return its exit code and stderr."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["vidtag", *arguments])
        return app.run(), capfd.readouterr().err

    return run


def tree() -> dict[str, bytes | str]:
    """Everything below the working folder: what files hold, and where links lead."""
    found: dict[str, bytes | str] = {}
    for path in sorted(Path().rglob("*")):
        if path.is_symlink():
            found[str(path)] = os.readlink(path)
        elif path.is_file():
            found[str(path)] = path.read_bytes()
        else:
            found[str(path)] = "folder"
    return found


@pytest.fixture
def refused(desk: Path, run: Run) -> Iterator[Run]:
    """Check that a command is refused in one line with exit code 2, and changes nothing."""
    before = tree()

    def refused(*arguments: str) -> tuple[int, str]:
        code, err = run(*arguments)
        assert code == 2, (arguments, err)
        assert err.count("\n") == 1, err
        assert tree() == before, arguments
        return code, err

    yield refused
    assert tree() == before


@pytest.mark.slow
@pytest.mark.parametrize("command", [TAG, SHOW, EXPLAIN], ids=["tag", "show", "explain"])
def test_no_name_leads_onto_an_input(refused: Run, command: tuple[str, ...]) -> None:
    own = "doc.json" if command is SHOW else "clip.mp4"
    names = ["to_clip.json", "same_as_clip.json", "clip.mp4", "./clip.mp4", f"{os.getcwd()}/{own}"]
    if command is SHOW:
        names += ["doc.json", "./doc.json", "same_as_doc.json"]
    for name in names:
        said = refused(*command, "-o", name)[1]
        # Which video a document speaks of is known once it is read; that it is one, before.
        assert "is an input" in said or (command is SHOW and "doc" not in name)
        refused(*command, "-o", name, "--force")
        if command is not EXPLAIN:
            for one in ("json", "srt"):
                refused(*command, "-f", one, "-o", name)


@pytest.mark.slow
@pytest.mark.parametrize("command", [TAG, SHOW], ids=["tag", "show"])
def test_text_never_goes_onto_media(refused: Run, command: tuple[str, ...]) -> None:
    names = ["other.mp4", "movie.mov", "photo.png", "song.mp3", "new.mkv", "NEW.JPG",
             "to_other.json", "to_to_other.json", "to_gone.json", "same_as_other.json"]  # fmt: skip
    for name in names:
        refused(*command, "-o", name)
        refused(*command, "-f", "json", "-o", name)
        refused(*command, "-f", "json", "-o", name, "--force")
        refused(*command, "-o", "fine.csv", "-o", name)
    refused(*command, "-f", "json", "-o", "unnamed")
    refused(*command, "-f", "json", "-f", "csv", "-o", "new.mp4")
    refused("list.csv", "clip.mp4", "-m", "model", "-o", "new.mp4")


@pytest.mark.slow
def test_numbers_never_go_onto_media_and_pictures_only_where_named(refused: Run) -> None:
    for name in ("to_other.json", "same_as_other.json", "to_gone.json"):
        refused(*EXPLAIN, "-o", name)
    for name in ("movie.mov", "new.avi", "photo.jpg", "song.mp3", "x.xml", "notes", "doc.csv"):
        refused(*EXPLAIN, "-o", name)


@pytest.mark.slow
@pytest.mark.parametrize("command", [TAG, SHOW], ids=["tag", "show"])
def test_a_suffix_must_be_that_of_the_format(refused: Run, command: tuple[str, ...]) -> None:
    if command is SHOW:  # the same rule: one format of each kind will do
        assert "srt" in refused(*command, "-f", "csv", "-o", "new.srt")[1]
        assert "add -f" in refused(*command, "-o", "x.xlsx")[1]
        return
    for name in ("x.aaf", "x.xlsx", "x.mlt", "notes", "new.feather", "new", "new.md", "doc.json~"):
        assert "add -f" in refused(*command, "-o", name)[1]
    suffixes = {name: one.suffix for name, one in FORMATS.items()}
    for one, own in suffixes.items():
        for other, suffix in suffixes.items():
            # What is JSON may be called so: `-f activitynet -o results.json`.
            fits = suffix in (own, own[own.rindex(".") :])
            # No other format is XML, so a config may end in .xml; but not as another.
            if not fits:
                assert other in refused(*command, "-f", one, "-o", f"new{suffix}")[1]
    refused(*command, "--json", "-o", "new.srt")


@pytest.mark.slow
@pytest.mark.parametrize("command", [TAG, SHOW, EXPLAIN], ids=["tag", "show", "explain"])
def test_several_outputs_are_each_written_as_named_or_refused(
    desk: Path, run: Run, command: tuple[str, ...]
) -> None:
    before = tree()
    wrong = [("m.json", "./m.json"), ("m.json", "maps/"), ("m.json", "m.xyz"), ("m.json", "m")]
    if command is not EXPLAIN:
        assert run(*command, "-f", "json", "-o", "m.json", "-o", "n.json")[0] == 2
    os.symlink("m.json", "link.json")
    wrong.append(("m.json", "link.json"))
    for one, two in wrong:
        assert run(*command, "-o", one, "-o", two)[0] == 2, (one, two)
    os.unlink("link.json")
    assert tree() == before
    names = ("m.json", "m.png") if command is EXPLAIN else ("m.json", "m.srt", "m.txt")
    outputs = [word for name in names for word in ("-o", name)]
    for _ in range(2):
        assert run(*command, *outputs)[0] == 0
        assert set(tree()) - set(before) == set(names)
    assert all(os.path.getsize(name) for name in names)


def test_files_beside_the_inputs_that_are_read_are_inputs_too(refused: Run) -> None:
    rest = TAG[1:]
    said = refused("--files-from", "list.csv", *rest, "-o", "list.csv")[1]
    assert "is an input" in said
    said = refused(*TAG, "-o", "model/config.json")[1]
    assert "is an input" in said
    said = refused(*EXPLAIN, "-o", "model/config.json")[1]
    assert "is an input" in said


# Folders


@pytest.mark.slow
def test_a_folder_keeps_what_vidtag_did_not_make(desk: Path, run: Run) -> None:
    os.mkdir("out")
    names = {"json": ".json", "srt": ".srt", "html": ".html", "labelstudio": ".labelstudio.json"}
    for command in (TAG, SHOW):
        for one, suffix in names.items():
            path = Path("out", f"clip.mp4{suffix}")
            for content in (FOREIGN, b'{"schema_version": 1}', b"<!doctype html><title>x</title>"):
                path.write_bytes(content)
                before = tree()
                code, err = run(*command, "-f", one, "-o", "out/")
                assert (code, err.count("\n"), tree() == before) == (2, 1, True), err
                assert "--force" in err
            path.unlink()
    for name in ("index.html", ".vidtag.jsonl"):
        Path("out", name).write_bytes(FOREIGN)
        before = tree()
        assert run(*TAG, "-f", "html", "-o", "out/")[0] == 2
        assert run(*SHOW, "-f", "html", "-o", "out/")[0] == 2
        assert tree() == before
        os.unlink(f"out/{name}")
    for suffix in (".json", ".mp4", ".png"):
        path = Path("out", f"clip.mp4.explain{suffix}")
        path.write_bytes(FOREIGN)
        before = tree()
        assert run(*EXPLAIN, "-o", "out/")[0] == 2
        assert tree() == before
        path.unlink()
    assert not os.listdir("out")


def test_links_in_a_folder_lead_to_nothing_of_the_users(desk: Path, run: Run) -> None:
    os.mkdir("out")
    assert run(*TAG, "-f", "json", "-f", "srt", "-o", "out/")[0] == 0
    os.unlink("out/clip.mp4.srt")  # listed, but the name leads elsewhere now
    for target in ("../notes", "../clip.mp4", "../other.mp4", "../nothing", "clip.mp4.srt"):
        os.symlink(target, "out/clip.mp4.srt")
        before = tree()
        assert run(*TAG, "-f", "srt", "-o", "out/")[0] == 2, target
        assert run(*SHOW, "-f", "srt", "-o", "out/")[0] == 2, target
        assert tree() == before
        os.unlink("out/clip.mp4.srt")
    for name in ("clip.mp4", "other.mp4"):
        os.link(name, "out/clip.mp4.srt")
        before = tree()
        assert run(*TAG, "-f", "srt", "-o", "out/")[0] == 2
        assert run(*TAG, "-f", "srt", "-o", "out/", "--force")[0] == 2
        assert tree() == before
        os.unlink("out/clip.mp4.srt")


@pytest.mark.slow
def test_force_replaces_in_folders_but_never_inputs_or_media(desk: Path, run: Run) -> None:
    os.mkdir("out")
    Path("out/clip.mp4.srt").write_bytes(FOREIGN)
    Path("out/clip.mp4.json").write_bytes(FOREIGN)
    Path("out/clip.mp4.explain.png").write_bytes(FOREIGN)
    assert run(*TAG, "-f", "srt", "-f", "json", "-o", "out/", "--force")[0] == 0
    assert run(*EXPLAIN, "-o", "out/", "--force")[0] == 0
    assert Path("out/clip.mp4.srt").read_bytes() != FOREIGN
    assert Path("out/clip.mp4.json").read_bytes().startswith(b'{"schema_version"')
    assert Path("out/clip.mp4.explain.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_the_same_command_twice_just_works(desk: Path, run: Run) -> None:
    formats = [word for one in FORMATS for word in ("-f", one)]
    commands = [
        (*TAG, *formats, "-o", "out/"),
        (*TAG, "-f", "csv", "-o", "out/"),
        (*SHOW, *formats, "-o", "shown/"),
        (*EXPLAIN, "-o", "out/"),
        (*EXPLAIN, "-o", "map.gif", "-o", "map.png", "-o", "map.json", "-o", "map.mp4"),
        (*TAG, "-o", "one.json", "-o", "one.html", "-o", "one.csv"),
        ("--files-from", "list.csv", *TAG[1:], "-o", "all.csv"),
        ("--files-from", "list.csv", *TAG[1:], "-o", "all.jsonl", "-o", "all.tsv"),
        ("--files-from", "list.csv", *TAG[1:], "-f", "labelstudio", "-o", "tasks.json"),
    ]
    for command in commands:
        for _ in range(2):
            code, err = run(*command)
            assert code == 0, (command, err)
        before = tree()
        assert run(*command, "--force")[0] == 0
        assert set(tree()) == set(before)


@pytest.mark.slow
def test_folders_of_version_0_1_are_known(desk: Path, run: Run) -> None:
    # It listed no index and no explanations, and sorted its records without a mark of its own.
    assert run(*TAG, "-f", "html", "-f", "srt", "-f", "json", "-o", "out/")[0] == 0
    assert run(*EXPLAIN, "-o", "out/")[0] == 0
    records = Path("out/.vidtag.jsonl").read_text()
    assert "index" not in records
    assert "explain" not in records
    assert run(*TAG, "-f", "html", "-f", "srt", "-f", "json", "-o", "out/")[0] == 0
    assert run(*EXPLAIN, "-o", "out/")[0] == 0


@pytest.mark.slow
def test_a_run_with_other_formats_goes_on_in_the_same_folder(desk: Path, run: Run) -> None:
    for one in ("json", "csv", "html", "srt"):
        assert run(*TAG, "-f", one, "-o", "out/")[0] == 0
        assert run(*TAG, "-f", one, "-o", "out/", "--skip-existing")[0] == 0
    assert sorted(os.listdir("out")) == [
        ".vidtag.jsonl", "clip.mp4.csv", "clip.mp4.html", "clip.mp4.json", "clip.mp4.srt",
        "index.html",
    ]  # fmt: skip


def test_a_video_called_index_keeps_its_page(desk: Path, run: Run) -> None:
    os.rename("clip.mp4", "index")
    for _ in range(2):
        assert run("index", "other.mp4", *TAG[1:], "-f", "html", "-o", "out/")[0] == 0
        assert sorted(os.listdir("out")) == [
            ".vidtag.jsonl", "index-2.html", "index.html", "other.mp4.html",
        ]  # fmt: skip
        assert "other.mp4.html" in Path("out/index-2.html").read_text()
        assert "other.mp4.html" not in Path("out/index.html").read_text()


# What costs one video


@pytest.mark.parametrize("one", ["json", "csv"])
def test_an_output_that_cannot_be_written_costs_its_video_alone(
    desk: Path, run: Run, one: str
) -> None:
    two = ("clip.mp4", "other.mp4", *TAG[1:], "-f", one, "-o", "out/")
    os.makedirs(f"out/clip.mp4.{one}/sub")
    code, err = run(*two)
    assert code == 3
    assert f"'out/clip.mp4.{one}' is a folder" in err
    assert os.path.isfile(f"out/other.mp4.{one}")
    os.removedirs(f"out/clip.mp4.{one}/sub")
    assert run(*two)[0] == 0
    os.chmod(f"out/clip.mp4.{one}", 0o444)
    before = tree()
    code, err = run(*two, "-k", "1")
    assert code == 3
    assert f"'out/clip.mp4.{one}' is write-protected" in err
    assert tree()[f"out/clip.mp4.{one}"] == before[f"out/clip.mp4.{one}"]
    os.unlink(f"out/clip.mp4.{one}")
    os.mkfifo(f"out/clip.mp4.{one}")
    code, err = run(*two)
    assert code == 3
    assert f"'out/clip.mp4.{one}' is no file" in err


def test_a_file_that_comes_while_others_are_tagged_stays(
    desk: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidtag.outputs import folder

    def write_and_wait(path: str, chunks: object, write: Callable[..., None]) -> None:
        write(path, chunks)
        Path("out/other.mp4.json").write_bytes(FOREIGN)

    original = folder.write_whole
    monkeypatch.setattr(folder, "write_whole", lambda *both: write_and_wait(*both, original))
    code, err = run("clip.mp4", "other.mp4", *TAG[1:], "-f", "json", "-o", "out/")
    assert code == 3
    assert "was not made by vidtag" in err
    assert Path("out/other.mp4.json").read_bytes() == FOREIGN


# Wrong causes


@pytest.mark.parametrize("command", [TAG, SHOW, EXPLAIN], ids=lambda command: command[0])
@pytest.mark.parametrize("name", ["http://u:pw@a.org/x.json", "s3://bucket/x.json"])
def test_an_address_is_no_file(command: tuple[str, ...], name: str, desk: Path, run: Run) -> None:
    code, err = run(*command, "-o", name)
    assert code == 2
    assert "is an address" in err
    assert "pw" not in err


def test_links_that_lead_nowhere_say_so(desk: Path, run: Run) -> None:
    os.symlink("gone/deep.json", "nowhere.json")
    code, err = run(*TAG, "-o", "nowhere.json")
    assert code == 1
    assert "is a link to" in err
    assert "no folder" in err
    os.symlink("round.json", "round.json")
    code, err = run(*TAG, "-o", "round.json")
    assert "in a circle" in err
    os.symlink("later.json", "early.json")  # whose folder is there
    assert run(*TAG, "-o", "early.json")[0] == 0
    assert os.path.islink("early.json")
    assert os.path.isfile("later.json")


def test_standard_output_is_no_file(refused: Run) -> None:
    assert "Leave -o out" in refused(*TAG, "--json", "-o", "-")[1]
    descriptor = os.open("notes", os.O_RDWR | os.O_APPEND)
    try:
        assert "open already" in refused(*TAG, "--json", "-o", f"/dev/fd/{descriptor}")[1]
    finally:
        os.close(descriptor)


def test_media_are_known_by_their_names() -> None:
    assert is_media_name("a.MP4")
    assert not any(is_media_name(f"a{one.suffix}") for one in FORMATS.values())
    assert all(one == one.lower() and one.startswith(".") for one in MEDIA_EXTENSIONS)


def test_records_are_no_output(refused: Run) -> None:
    for command in (TAG, SHOW):
        assert "keeps its records" in refused(*command, "-o", ".vidtag.jsonl")[1]


def test_a_folder_may_end_like_a_video(desk: Path, run: Run) -> None:
    assert run(*TAG, "--json", "-o", "tags.mp4/")[0] == 0
    assert run(*TAG, "--json", "-o", "tags.mp4")[0] == 0
    assert os.listdir("tags.mp4") == ["clip.mp4.json"]


def test_a_name_taken_by_a_folder_is_told_before_a_video_is_explained(desk: Path, run: Run) -> None:
    os.makedirs("maps/clip.mp4.explain.mp4")
    code, err = run(*EXPLAIN, "-o", "maps/")
    assert code == 1
    assert "'maps/clip.mp4.explain.mp4' is a folder" in err
    assert os.listdir("maps") == ["clip.mp4.explain.mp4"]


def test_names_in_documents_that_no_file_can_have_cost_nothing(desk: Path, run: Run) -> None:
    document = Path("doc.json").read_text()
    for name in (r"a\u0000b", r"\ud800", "..", ".", "/", "x" * 300):
        Path("odd.json").write_text(document.replace("clip.mp4", name, 1))
        code, err = run("show", "odd.json", "doc.json", "-f", "srt", "-f", "html", "-o", "shown/")
        assert code == (3 if name.startswith("x") else 0) or "schema" in err or "not a" in err, err
        assert os.path.isfile("shown/clip.mp4.srt")
        assert "report" not in err
    assert Path("clip.mp4").stat().st_nlink == 2


def test_a_folder_that_may_not_be_entered_is_not_a_missing_file(
    desk: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Simulated, because root may enter all of them.
    stat, lstat = os.stat, os.lstat

    def refusing(original: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
        def refuse(path: object, **options: object) -> os.stat_result:
            if "secret/" in str(path):
                raise PermissionError(13, "Permission denied", path)
            return original(path, **options)

        return refuse

    monkeypatch.setattr(os, "stat", refusing(stat))
    monkeypatch.setattr(os, "lstat", refusing(lstat))
    assert "You may not read 'secret/clip.mp4'" in run("secret/clip.mp4", *TAG[1:])[1]
    code, err = run(*TAG, "-o", "secret/deep/x.json")
    assert code == 1
    assert "you may not write there" in err
