import errno
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from documents import make_document, make_failed

import vidtag
from vidtag.cache.contents import hash_file
from vidtag.documents.records import Document, Failure
from vidtag.documents.stored import read_documents
from vidtag.errors import OutputError, UsageError
from vidtag.inputs.finding import find_inputs
from vidtag.inputs.found import Input, Inputs
from vidtag.outputs import (
    RECORDS_NAME,
    Fingerprint,
    OutputPlan,
    Outputs,
    open_outputs,
    plan_outputs,
    write_whole,
)

ONE = Inputs(items=(Input(source="a.mp4", name=PurePosixPath("a.mp4")),))
MANY = replace(ONE, is_many=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def videos(*paths: str) -> Inputs:
    """Make files with contents of their own, and name them as a folder would."""
    for path in paths:
        os.makedirs(os.path.dirname(os.path.join("v", path)), exist_ok=True)
        Path("v", path).write_bytes(os.fsencode(path))
    return find_inputs(["v"], recursive=True)


def document_of(item: Input, **changes: Any) -> Document:
    made = replace(make_document(item.source), vidtag_version=vidtag.__version__, **changes)
    return replace(made, video=replace(made.video, content_id=hash_file(item.source)))


def fingerprint_of(document: Document, **changes: Any) -> Fingerprint:
    sampling, settings = document.sampling, document.settings
    made = Fingerprint(
        vidtag_version=document.vidtag_version,
        model_id=document.model.id,
        model_revision=document.model.revision,
        window_seconds=sampling.window_seconds,
        stride_seconds=sampling.stride_seconds,
        average=sampling.average,
        start_seconds=sampling.start_seconds,
        end_seconds=None,
        top_k=settings.top_k,
        min_score=settings.min_score,
        min_duration_seconds=settings.min_duration_seconds,
        merge_gap_seconds=settings.merge_gap_seconds,
    )
    return replace(made, **changes)


FINGERPRINT = replace(fingerprint_of(make_document()), vidtag_version=vidtag.__version__)


def open_in(path: str, formats: Iterable[str], inputs: Inputs, *, force: bool = False) -> Outputs:
    return open_outputs(plan_outputs([path], tuple(formats), inputs), inputs, force=force)


def done(outputs: Outputs, inputs: Inputs, fingerprint: Fingerprint = FINGERPRINT) -> list[str]:
    return [str(i.name) for i in inputs.items if outputs.is_done(i, fingerprint, hash_file)]


def run(
    path: str, formats: Iterable[str], inputs: Inputs, *, skip: bool = False, force: bool = False
) -> list[str]:
    """Tag as the command line does, and return what was skipped."""
    with open_in(path, formats, inputs, force=force) as outputs:
        skipped = done(outputs, inputs) if skip else []
        for item in inputs.items:
            if str(item.name) not in skipped:
                outputs.write(item, document_of(item))
    return skipped


def tree(root: str = ".") -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(Path(root).rglob("*"))
        if path.is_file()
    }


def plan(path: str | None, *formats: str, inputs: Inputs = ONE) -> tuple[str, tuple[str, ...]]:
    [planned] = plan_outputs([] if path is None else [path], formats, inputs)
    return planned.kind, planned.formats


# What -o means


def test_without_a_path_results_go_to_stdout(here: Path) -> None:
    assert plan(None) == ("stdout", ("table",))
    assert plan(None, "json") == ("stdout", ("json",))
    assert plan(None, "json", "json") == ("stdout", ("json",))
    with pytest.raises(UsageError, match="-o"):
        plan(None, "json", "csv")
    with pytest.raises(UsageError, match="-o"):
        plan_outputs([], (), ONE, skip_existing=True)


def test_one_video_goes_to_one_file(here: Path) -> None:
    assert plan("out", "json") == ("file", ("json",))
    assert plan("out.csv") == ("file", ("csv",))
    assert plan("OUT.JSONL") == ("file", ("json",))
    assert plan("out.activitynet.json") == ("file", ("activitynet",))
    assert plan("out.txt") == ("file", ("table",))


def test_what_makes_a_folder(here: Path) -> None:
    os.mkdir("there.csv")
    assert plan("out/") == ("folder", ("json",))
    assert plan("there.csv") == ("folder", ("json",))
    assert plan("out", "csv", "srt") == ("folder", ("csv", "srt"))
    assert plan("out", inputs=MANY) == ("folder", ("json",))
    assert plan("out", "srt", inputs=MANY) == ("folder", ("srt",))
    assert plan("all.csv/", inputs=MANY) == ("folder", ("json",))


@pytest.mark.parametrize(
    ("path", "formats", "name"),
    [
        ("all.jsonl", (), "json"),
        ("all.jsonl", ("json",), "json"),
        ("all.csv", (), "csv"),
        ("all.tsv", ("tsv",), "tsv"),
        ("results.json", ("activitynet",), "activitynet"),
        ("tasks.labelstudio.json", (), "labelstudio"),
    ],
)
def test_several_videos_go_to_one_file(
    here: Path, path: str, formats: tuple[str, ...], name: str
) -> None:
    assert plan(path, *formats, inputs=MANY) == ("joined", (name,))


@pytest.mark.parametrize(
    ("path", "formats"),
    [
        ("all.json", ()),
        ("all.json", ("json",)),
        ("all.srt", ()),
        ("all.csv", ("json",)),
        ("all.jsonl", ("csv",)),
        ("all.csv", ("csv", "tsv")),
        ("all.jsonl", ("json", "csv")),
        ("", ()),
        ("out/", ("nonsense",)),
    ],
)
def test_what_does_not_go_together(here: Path, path: str, formats: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        plan(path, *formats, inputs=MANY)


# Names and collisions


def test_a_folder_mirrors_the_tree(here: Path) -> None:
    inputs = videos("a/clip.mp4", "b/clip.mp4", "clip.mov", "clip.mp4")
    run("out", ["json", "csv"], inputs)
    expected = ["a/clip.mp4", "b/clip.mp4", "clip.mov", "clip.mp4"]
    assert sorted(tree("out")) == sorted(
        [RECORDS_NAME, *(f"{name}.{suffix}" for name in expected for suffix in ("json", "csv"))]
    )
    for name in expected:
        [stored] = read_documents(Path("out", f"{name}.json").read_text(), name)
        assert stored.video.path == f"v/{name}"


def test_json_alone_needs_no_records(here: Path) -> None:
    run("out/", (), videos("clip.mp4"))
    assert list(tree("out")) == ["clip.mp4.json"]


def test_names_that_are_no_utf8_and_long_ones(here: Path) -> None:
    inputs = videos(os.fsdecode(b"caf\xe9.mp4"), "x" * 240 + ".mp4", "new\nline.mp4")
    run("out", ["json", "csv"], inputs)
    assert b"caf\xe9.mp4.csv" in os.listdir(b"out")
    assert run("out", ["json", "csv"], inputs, skip=True) == [str(i.name) for i in inputs.items]


def test_a_name_that_grows_too_long_is_one_clear_error(here: Path) -> None:
    inputs = videos("x" * 251 + ".mp4", "y.mp4")
    with open_in("out", ["json"], inputs) as outputs:
        with pytest.raises(OutputError, match="too long"):
            outputs.write(inputs.items[0], document_of(inputs.items[0]))
        outputs.write(inputs.items[1], document_of(inputs.items[1]))
    assert list(tree("out")) == ["y.mp4.json"]


def test_roots_that_collide_are_refused_before_any_work(here: Path) -> None:
    for root in "ab":
        os.mkdir(root)
        Path(root, "clip.mp4").write_bytes(root.encode())
    inputs = find_inputs(["a", "b"], recursive=False)
    with pytest.raises(UsageError, match=r"'a/clip\.mp4' and 'b/clip\.mp4'"):
        open_in("out", ["json"], inputs)
    assert not os.path.exists("out")
    run("all.jsonl", [], inputs)  # there they have their paths


def test_a_file_and_a_folder_of_one_name_are_refused(here: Path) -> None:
    inputs = Inputs(
        items=(
            Input(source="a", name=PurePosixPath("clip.mp4")),
            Input(source="b", name=PurePosixPath("clip.mp4.json/b.mp4")),
        ),
        is_many=True,
    )
    with pytest.raises(UsageError, match="folder for 'b'"):
        open_in("out", ["json"], inputs)


def test_an_input_is_never_overwritten(here: Path) -> None:
    Path("clip.mp4").write_bytes(b"x")
    Path("clip.mp4.json").write_bytes(b"y")
    os.symlink("clip.mp4", "link")
    one = find_inputs(["clip.mp4"], recursive=False)
    for path in ("clip.mp4", "./clip.mp4", "link"):
        with pytest.raises(UsageError, match="is an input"):
            open_in(path, ["json"], one)
    both = find_inputs(["clip.mp4", "clip.mp4.json"], recursive=False)
    with pytest.raises(UsageError, match="is an input"):
        open_in("./", ["json"], both)


# Checks before any work


def test_a_file_where_a_folder_is_needed(here: Path) -> None:
    Path("out").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        open_in("out", ["json"], MANY)
    with pytest.raises(OutputError):
        open_in("out/sub/", ["json"], MANY)
    assert Path("out").read_text() == "x"


def test_a_file_in_a_folder_that_is_not_there(here: Path) -> None:
    with pytest.raises(OutputError, match="no folder 'none'"):
        open_in("none/out.json", ["json"], ONE)
    with pytest.raises(OutputError, match="no folder 'none'"):
        open_in("none/all.csv", [], MANY)


@pytest.mark.parametrize("path", ["out/", "out/one.json", "out/all.csv", "out/new/deep/"])
@pytest.mark.parametrize(
    ("number", "words"), [(errno.EROFS, "read-only"), (errno.EACCES, "may not write")]
)
def test_a_read_only_folder_is_one_error_before_any_work(
    here: Path, monkeypatch: pytest.MonkeyPatch, path: str, number: int, words: str
) -> None:
    # Simulated, because root may write everywhere.
    os.mkdir("out")

    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(OutputError, match=words) as caught:
        open_in(path, [], ONE if path.endswith("one.json") else MANY)
    assert caught.value.path == path
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_really_read_only_folder_is_an_error(here: Path) -> None:
    os.mkdir("out", 0o500)
    with pytest.raises(OutputError, match="may not write"):
        open_in("out/", [], MANY)


# Whole or not at all


def test_files_get_the_usual_permissions_and_keep_their_own(here: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_whole("new", [b"x"])
    finally:
        os.umask(mask)
    assert stat.S_IMODE(os.stat("new").st_mode) == 0o640
    os.chmod("new", 0o604)
    write_whole("new", [b"y"])
    assert stat.S_IMODE(os.stat("new").st_mode) == 0o604


def test_links_and_devices_stay_what_they_are(here: Path) -> None:
    Path("real").write_text("old")
    os.symlink("real", "link")
    write_whole("link", [b"new"])
    assert os.path.islink("link")
    assert Path("real").read_text() == "new"
    with open_in("/dev/null", ["json"], ONE) as outputs:
        outputs.write(ONE.items[0], make_document())
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert tree() == {"link": b"new", "real": b"new"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "x"), ValueError()])
def test_what_was_there_stays_if_writing_fails(here: Path, error: BaseException) -> None:
    Path("out.csv").write_text("old")

    def chunks() -> Iterable[bytes]:
        yield b"x" * 100_000
        raise error

    expected = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        write_whole("out.csv", chunks())
    assert tree() == {"out.csv": b"old"}


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(here: Path) -> None:
    inputs = videos("a.mp4")
    with open_in("out/", ["json"], inputs) as outputs:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            with pytest.raises(OutputError, match="larger than is allowed"):
                outputs.write(inputs.items[0], document_of(inputs.items[0]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
        assert tree("out") == {}
        outputs.write(inputs.items[0], document_of(inputs.items[0]))
    assert list(tree("out")) == ["a.mp4.json"]


def test_a_full_disk_says_how_to_go_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match=r"Can't write 'x\.json'.*disk is full.*--skip-existing"):
        write_whole("x.json", [b"x"])
    assert tree() == {}


def test_an_error_of_a_listed_file_keeps_its_own_cause(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    inputs = videos("a.mp4")
    with open_in("out/", ["csv"], inputs) as outputs, monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OutputError, match=r"a\.mp4\.csv") as caught:
            outputs.write(inputs.items[0], document_of(inputs.items[0]))
    cause = caught.value.__cause__
    assert isinstance(cause, OSError)
    assert cause.errno == errno.EDQUOT


def test_a_full_disk_leaves_no_half_line_in_a_journal(here: Path) -> None:
    inputs = videos("a.mp4", "b.mp4")
    outputs = open_in("all.csv", [], inputs)
    outputs.write(inputs.items[0], document_of(inputs.items[0]))
    size = os.stat(".all.csv.vidtag.jsonl").st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        with pytest.raises(OutputError):
            outputs.write(inputs.items[1], document_of(inputs.items[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert os.stat(".all.csv.vidtag.jsonl").st_size == size
    outputs.close()
    assert b"v/a.mp4" in tree()["all.csv"]
    assert b"v/b.mp4" not in tree()["all.csv"]


def test_a_vanished_folder_is_an_error_and_not_made_again(here: Path) -> None:
    inputs = videos("sub/a.mp4")
    with open_in("out/", ["json"], inputs) as outputs:
        os.rmdir("out")
        with pytest.raises(OutputError, match="gone"):
            outputs.write(inputs.items[0], document_of(inputs.items[0]))
    assert not os.path.exists("out")


def test_a_failed_input_leaves_no_file(here: Path) -> None:
    inputs = videos("a.mp4")
    for path in ("out/", "one.csv", "all.tsv"):
        with open_in(
            path, [], MANY if path == "all.tsv" else inputs if path[-1] == "/" else ONE
        ) as o:
            item = inputs.items[0] if path[-1] == "/" else ONE.items[0]
            o.write(item, make_failed(item.source))
    assert set(tree()) == {"v/a.mp4"}


def test_a_writer_that_fails_leaves_none_of_the_formats(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = videos("a.mp4")
    document = document_of(inputs.items[0])
    broken = replace(document, segments=(None,))  # type: ignore[arg-type]
    outputs = open_in("out/", ["json", "csv"], inputs)
    with pytest.raises((AttributeError, TypeError)):
        outputs.write(inputs.items[0], broken)
    outputs.close()
    assert tree("out") == {}


# What is done


def test_a_third_run_skips_everything_and_changes_nothing(here: Path) -> None:
    inputs = videos("a.mp4", "sub/b.mp4")
    formats = ["json", "csv", "srt"]
    run("out", formats, inputs)
    before = tree("out")
    times = {path: os.stat(Path("out", path)).st_mtime_ns for path in before}
    assert run("out", formats, inputs, skip=True) == ["a.mp4", "sub/b.mp4"]
    assert tree("out") == before
    assert times == {path: os.stat(Path("out", path)).st_mtime_ns for path in before}


def test_every_format_must_be_there(here: Path) -> None:
    inputs = videos("a.mp4", "b.mp4")
    run("out", ["json"], inputs)
    with open_in("out", ["json", "csv"], inputs) as outputs:
        assert done(outputs, inputs) == []
    run("out", ["csv"], inputs)
    os.remove("out/b.mp4.csv")
    with open_in("out", ["json", "csv"], inputs) as outputs:
        assert done(outputs, inputs) == ["a.mp4"]


@pytest.mark.parametrize("formats", [["json"], ["csv"]])
def test_a_changed_file_is_not_done(here: Path, formats: list[str]) -> None:
    inputs = videos("a.mp4", "b.mp4")
    run("out", formats, inputs)
    Path("v/a.mp4").write_bytes(b"changed")
    with open_in("out", formats, inputs) as outputs:
        assert done(outputs, inputs) == ["b.mp4"]


@pytest.mark.parametrize("path", ["out/", "all.jsonl", "all.csv"])
@pytest.mark.parametrize(
    "changes",
    [
        {"vidtag_version": "0.0.1"},
        {"model_id": "base"},
        {"model_revision": "fff"},
        {"model_revision": None},
        {"window_seconds": 4.0},
        {"stride_seconds": 0.5},
        {"average": "probs"},
        {"start_seconds": 1.0},
        {"end_seconds": 3.0},
        {"top_k": 6},
        {"min_score": 0.31},
        {"min_duration_seconds": 0.5},
        {"merge_gap_seconds": 0.5},
        {"engine": "openvino"},
        {"device": "cuda"},
        {"precision": "bf16"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_settings_are_not_done(here: Path, path: str, changes: dict[str, Any]) -> None:
    inputs = videos("a.mp4")
    run(path, [], inputs)
    with open_in(path, [], inputs) as outputs:
        assert done(outputs, inputs, replace(FINGERPRINT, **changes)) == []


def test_what_was_asked_of_the_engine_may_be_less_exact(here: Path) -> None:
    document = make_document()
    record = json.loads(json.dumps({**json.loads(vidtag_json(document))}))
    fingerprint = fingerprint_of(document, engine="torch", device="cpu", precision="fp32")
    content_id = document.video.content_id
    assert fingerprint.fits(record, content_id)
    assert not fingerprint.fits(record, None)
    assert not fingerprint.fits({}, content_id)
    assert not fingerprint.fits({"video": 3, "sampling": [], "settings": 1, "engine": 2}, "x")
    record["engine"]["device"] = "cuda:0"
    assert replace(fingerprint, device="cuda").fits(record, content_id)
    assert not replace(fingerprint, device="cuda:1").fits(record, content_id)


def vidtag_json(result: Document | Failure) -> str:
    from vidtag.documents.json import to_json

    return to_json(result)


def test_an_end_beyond_the_video_is_the_same_as_none(here: Path) -> None:
    document = make_document()
    content_id, duration = document.video.content_id, document.video.duration_seconds
    record = json.loads(vidtag_json(document))
    assert fingerprint_of(document, end_seconds=duration + 5).fits(record, content_id)
    record["sampling"]["end_seconds"] = 3.0
    assert fingerprint_of(document, end_seconds=3.0).fits(record, content_id)
    assert not fingerprint_of(document).fits(record, content_id)
    assert not fingerprint_of(document, end_seconds=duration + 5).fits(record, content_id)


def test_a_fingerprint_is_taken_from_what_a_run_is_made_with() -> None:
    from vidtag.clips.grid import Grid
    from vidtag.tagging.settings import Settings
    from vidtag.timeline.segments import SegmentRule
    from vidtag.video.options import Part

    document = make_document(start=1.5, stride=0.5)
    settings = Settings(
        rule=SegmentRule(
            min_score=0.3, min_duration_seconds=Fraction(0), merge_gap_seconds=Fraction(0)
        ),
        read=Part(start=Fraction(3, 2), end=Fraction(1000)),
    )
    grid = Grid.from_seconds(
        window=Fraction(1), stride=Fraction(1, 2), num_frames=16, start=Fraction(3, 2)
    )
    info: Any = SimpleNamespace(
        model_id="demo",
        revision="0123abc",
        identity="demo",
        words=None,
        is_fast=False,
        calibration=None,
    )
    fingerprint = Fingerprint.of(settings, info, grid)
    assert fingerprint.vidtag_version == vidtag.__version__
    record = {**json.loads(vidtag_json(document)), "vidtag_version": vidtag.__version__}
    assert fingerprint.fits(record, document.video.content_id)
    assert not Fingerprint.of(settings, info, grid, device="cuda").fits(
        record, document.video.content_id
    )


def test_only_files_are_recognised_again(here: Path) -> None:
    inputs = find_inputs(["-", "https://me:secret@example.org/a.mp4"], recursive=False)
    for path in ("out/", "all.csv", "all.jsonl"):
        with open_in(path, [], inputs) as outputs:
            for item in inputs.items:
                outputs.write(item, make_document("-"))
        with open_in(path, [], inputs) as outputs:
            assert done(outputs, inputs) == []
    assert not any(b"secret" in content for content in tree().values())
    assert not any("secret" in path for path in tree())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"tags": [', b'{"schema_version": 1, "tags": []}\n'],
)
def test_what_is_no_document_is_not_done(here: Path, content: bytes) -> None:
    inputs = videos("a.mp4")
    os.mkdir("out")
    Path("out/a.mp4.json").write_bytes(content)
    Path("out", RECORDS_NAME).write_bytes(content)
    assert run("out", ["json", "csv"], inputs, skip=True, force=True) == []
    assert run("out", ["json", "csv"], inputs, skip=True) == ["a.mp4"]


def test_a_cut_document_is_not_done_and_an_indented_one_is(here: Path) -> None:
    inputs = videos("a.mp4", "b.mp4")
    run("out", ["json"], inputs)
    whole = Path("out/a.mp4.json").read_bytes()
    Path("out/a.mp4.json").write_bytes(whole[:-40])
    Path("out/b.mp4.json").write_text(
        json.dumps(json.loads(Path("out/b.mp4.json").read_bytes()), indent=2)
    )
    with open_in("out", ["json"], inputs) as outputs:
        assert done(outputs, inputs) == ["b.mp4"]


def test_the_end_of_the_header_is_not_found_within_a_name(here: Path) -> None:
    inputs = videos('x", "tags": [.mp4', 'y\\", "tags": [.mp4')
    run("out", ["json"], inputs)
    with open_in("out", ["json"], inputs) as outputs:
        assert len(done(outputs, inputs)) == 2


def test_a_file_that_is_about_to_change_is_not_done(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Killed between the file and its record, the old record must not stand for the new file.
    inputs = videos("a.mp4")
    run("out", ["csv"], inputs)
    other = document_of(inputs.items[0])
    other = replace(other, settings=replace(other.settings, top_k=9))
    outputs = open_in("out", ["csv"], inputs)
    monkeypatch.setattr(
        "vidtag.outputs.records._line",
        _killed_after(1, "vidtag.outputs.records._line"),
    )
    with pytest.raises(SystemExit):
        outputs.write(inputs.items[0], other)
    monkeypatch.undo()
    monkeypatch.chdir(here)
    with open_in("out", ["csv"], inputs) as again:
        assert done(again, inputs) == []
    outputs.close()


def _killed_after(num_calls: int, name: str) -> Callable[..., Any]:
    module, function = name.rsplit(".", 1)
    original = getattr(sys.modules[module], function)
    calls = iter(range(num_calls))

    def call(*arguments: Any) -> Any:
        if next(calls, None) is None:
            raise SystemExit(137)
        return original(*arguments)

    return call


def test_a_single_file_is_recognised_if_that_was_asked_for(here: Path) -> None:
    Path("a.mp4").write_bytes(b"x")
    for path in ("a.json", "a.csv"):
        with open_in(path, [], ONE) as outputs:
            outputs.write(ONE.items[0], document_of(ONE.items[0]))
    assert set(tree()) == {"a.mp4", "a.json", "a.csv"}
    assert run("a.json", [], ONE, skip=True) == ["a.mp4"]
    assert run("a.csv", [], ONE, skip=True) == []
    assert run("a.csv", [], ONE, skip=True) == ["a.mp4"]


# One file for all


@pytest.mark.parametrize("path", ["all.jsonl", "all.csv", "all.tsv"])
def test_one_file_for_all_is_as_if_written_at_once(here: Path, path: str) -> None:
    from vidtag.formats import FORMATS

    inputs = videos("a.mp4", "b.mp4", "c.mp4")
    a, b, c = inputs.items
    failure = make_failed("v/b.mp4")
    with open_in(path, [], inputs) as outputs:
        outputs.write(c, document_of(c))  # the order is that of the inputs
        outputs.write(b, failure)
        outputs.write(a, document_of(a))
        assert not os.path.exists(path)
    one = FORMATS["json" if path == "all.jsonl" else path[-3:]]
    expected = one.write([document_of(a), failure, document_of(c)])
    assert Path(path).read_text() == expected
    journal = [f".{path}.vidtag.jsonl"] if path != "all.jsonl" else []
    assert sorted(os.listdir()) == sorted([path, "v", *journal])


def test_formats_that_do_not_grow_are_written_at_the_end(here: Path) -> None:
    inputs = videos("a.mp4", "b.mp4")
    run("results.json", ["activitynet"], inputs)
    first = Path("results.json").read_bytes()
    assert len(json.loads(first)["results"]) == 2
    assert run("results.json", ["activitynet"], inputs, skip=True) == ["a.mp4", "b.mp4"]
    assert Path("results.json").read_bytes() == first


def test_failed_folders_come_first_in_json_lines(here: Path) -> None:
    inputs = videos("a.mp4")
    with open_in("all.jsonl", [], inputs) as outputs:
        outputs.write(Input(source="empty/", name=PurePosixPath("-")), make_failed("empty/"))
        outputs.write(inputs.items[0], document_of(inputs.items[0]))
    lines = [json.loads(line) for line in Path("all.jsonl").read_text().splitlines()]
    assert [line["video"]["path"] for line in lines] == ["empty/", "v/a.mp4"]
    before = tree()
    with open_in("all.jsonl", [], inputs) as outputs:
        outputs.write(Input(source="empty/", name=PurePosixPath("-")), make_failed("empty/"))
        assert done(outputs, inputs) == ["a.mp4"]
    assert tree() == before


@pytest.mark.parametrize("path", ["all.jsonl", "all.csv"])
def test_an_interrupted_run_keeps_what_is_finished(here: Path, path: str) -> None:
    inputs = videos("a.mp4", "b.mp4", "c.mp4")
    run(path, [], inputs)
    expected = tree()
    for name in tree():
        if not name.startswith("v/"):
            os.remove(name)
    a = inputs.items[0]
    with pytest.raises(KeyboardInterrupt), open_in(path, [], inputs) as outputs:  # noqa: PT012
        outputs.write(a, document_of(a))
        raise KeyboardInterrupt
    assert b"v/a.mp4" in Path(path).read_bytes()
    assert run(path, [], inputs, skip=True) == ["a.mp4"]
    assert tree() == expected
    assert run(path, [], inputs, skip=True) == ["a.mp4", "b.mp4", "c.mp4"]
    assert tree() == expected


@pytest.mark.parametrize("path", ["all.jsonl", "all.csv"])
def test_an_interruption_while_looking_what_is_done_loses_nothing(here: Path, path: str) -> None:
    inputs = videos("a.mp4", "b.mp4", "c.mp4")
    run(path, [], inputs)
    before = tree()
    with pytest.raises(KeyboardInterrupt), open_in(path, [], inputs) as outputs:  # noqa: PT012
        assert outputs.is_done(inputs.items[0], FINGERPRINT, hash_file)
        raise KeyboardInterrupt
    assert tree() == before


def test_a_killed_run_with_other_settings_does_not_hide_what_is_done(here: Path) -> None:
    inputs = videos("a.mp4", "b.mp4")
    run("all.jsonl", [], inputs)
    whole = Path("all.jsonl").read_bytes()
    other = document_of(inputs.items[0])
    other = replace(other, settings=replace(other.settings, top_k=9))
    outputs = open_in("all.jsonl", [], inputs)
    outputs.write(inputs.items[0], other)
    journal = Path(".all.jsonl.vidtag.jsonl").read_bytes()
    outputs.close()
    Path(".all.jsonl.vidtag.jsonl").write_bytes(journal)  # as a kill leaves it
    Path("all.jsonl").write_bytes(whole)
    assert run("all.jsonl", [], inputs, skip=True) == ["a.mp4", "b.mp4"]
    assert Path("all.jsonl").read_bytes() == whole


def test_a_pipe_is_not_read_to_see_what_is_done(here: Path) -> None:
    Path("a.mp4").write_bytes(b"x")
    os.mkfifo("out")
    with open_in("out", ["json"], ONE) as outputs:
        assert done(outputs, ONE) == []


def test_an_earlier_file_stays_where_nothing_came_of_a_run(here: Path) -> None:
    inputs = videos("a.mp4")
    run("all.csv", [], inputs)
    before = tree()
    with open_in("all.csv", [], inputs) as outputs:
        outputs.write(inputs.items[0], make_failed("v/a.mp4"))
    assert tree() == before


def test_two_names_that_look_the_same_are_not_mixed_up(here: Path) -> None:
    inputs = videos(os.fsdecode(b"\xe9.mp4"), os.fsdecode(b"\xe8.mp4"))
    run("all.csv", [], inputs)
    assert len(run("all.csv", [], inputs, skip=True)) == 2
    run("all.jsonl", [], inputs)
    assert run("all.jsonl", [], inputs, skip=True) == []  # its lines can't tell them apart


def test_a_pipe_gets_each_video_as_it_is_done(here: Path) -> None:
    inputs = videos("a.mp4", "b.mp4")
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as reader:
        with open_in(f"/dev/fd/{writing}", ["json"], inputs) as outputs:
            outputs.write(inputs.items[0], document_of(inputs.items[0]))
            assert json.loads(reader.read(65536))["video"]["path"] == "v/a.mp4"
        os.close(writing)
    with pytest.raises(OutputError, match="is a file"):
        open_in("/dev/null", ["srt", "csv"], inputs)


# A kill at any moment

_CHILD = """
import os, signal, sys
sys.path[:0] = [{tests!r}]
import test_outputs as t

path, formats, limit, skip = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3]), sys.argv[4]
count = 0

def audit(event, arguments):
    # Every step that touches a file is a moment at which a kill may come.
    global count
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.chmod", "write"):
        count += 1
        if count == limit:
            os.kill(os.getpid(), signal.SIGKILL)

from vidtag.outputs import atomic, folder, one_file, records
def cut(file, content, write=atomic.write_all):
    half = len(content) // 2
    write(file, content[:half])
    audit("write", ())
    write(file, content[half:])
records.write_all = one_file.write_all = cut

class Cut:
    # A file is written in two halves, with a moment in between.
    def __init__(self, chunks):
        self.chunks = list(chunks)
    def __iter__(self):
        for chunk in self.chunks:
            half = len(chunk) // 2
            yield chunk[:half]
            audit("write", ())
            yield chunk[half:]

def write_cut(path, chunks):
    atomic.write_whole(path, Cut(chunks))
folder.write_whole = one_file.write_whole = records.write_whole = write_cut
def begin_cut(path, chunks, begin=atomic.begin_whole):
    return begin(path, Cut(chunks))
one_file.begin_whole = begin_cut
inputs = t.find_inputs(["v"], recursive=True)
for item in inputs.items:
    t.document_of(item)
sys.addaudithook(audit)
t.run(path, [f for f in formats if f], inputs, skip=skip == "skip")
print(count)
"""


def _child(path: str, formats: str, limit: int, *, skip: bool) -> int | None:
    code = textwrap.dedent(_CHILD).format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", code, path, formats, str(limit), "skip" if skip else "all"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode == -signal.SIGKILL:
        return None
    assert finished.returncode == 0, finished.stderr
    return int(finished.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "formats"), [("out/", "json,csv"), ("all.jsonl", ""), ("all.csv", "")]
)
def test_killed_at_any_moment_and_started_again_the_files_are_the_same(
    here: Path, path: str, formats: str
) -> None:
    videos("a.mp4", "sub/b.mp4")
    num_moments = _child(path, formats, 0, skip=False)
    assert num_moments is not None
    expected = tree()
    sample = sorted({round(1 + k * (num_moments - 1) / 4) for k in range(5)})
    for limit in sample:
        for name in set(os.listdir()) - {"v"}:
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        assert _child(path, formats, limit, skip=False) is None
        for name, content in tree().items():
            if not os.path.basename(name).startswith("."):
                assert content == expected[name]  # whole, or not there at all
        run(path, [f for f in formats.split(",") if f], _again(), skip=True)
        assert tree() == expected, limit


def _again() -> Inputs:
    return find_inputs(["v"], recursive=True)


def test_the_plan_is_a_value() -> None:
    assert plan_outputs([], ("json",), ONE) == (
        OutputPlan(kind="stdout", path="", formats=("json",)),
    )
