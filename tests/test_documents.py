"""Stored results of strangers: what is odd is named, and the others are still answered."""

import dataclasses
import io
import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from documents import HOSTILE_LABELS, LABELS, make_document, make_failed
from rich.console import Console

from vidtag.cli.grep_run import SearchRequest, explain_undecided, run_grep
from vidtag.cli.show_run import ShowRequest, run_show
from vidtag.documents import stored as stored
from vidtag.documents.json import parse_json, to_json
from vidtag.documents.records import Document, Failure
from vidtag.errors import DocumentError, UsageError
from vidtag.formats import FORMATS, table_drawing
from vidtag.inputs.finding import find_inputs
from vidtag.outputs import fingerprint
from vidtag.report.index import IndexEntry, render_index
from vidtag.search.matching import compile_patterns
from vidtag.search.stored import search_document

GOOD = to_json(make_document("good.mp4"))


def changed(path: str, raw: str) -> bytes:
    """Write a document with another value, as raw JSON, in one place."""
    value: Any = json.loads(to_json(make_document("odd.mp4")))
    target = value
    *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    for part in parents:
        target = target[part]
    target[last] = "@@"
    return json.dumps(value).replace('"@@"', raw).encode()


ODD: dict[str, bytes] = {
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "long integer": changed("video.num_frames", "1" * 4300),
    "large integer": changed("tags.0.index", str(1 << 64)),
    "NaN": changed("tags.0.score", "NaN"),
    "infinity": changed("segments.0.score", "Infinity"),
    "1e999": changed("timeline.2.tags.0.score", "1e999"),
    "far time": changed("video.duration_seconds", "1e300"),
    "negative time": changed("timeline.0.start_seconds", "-5"),
    "times out of order": changed("timeline.4.start_seconds", "0.25"),
    "step that ends early": changed("timeline.4.end_seconds", "0.25"),
    "score out of range": changed("tags.0.score", "1.5"),
    "negative score": changed("timeline.0.tags.0.score", "-0.5"),
    "NUL in a path": changed("video.path", '"a\\u0000b.mp4"'),
    "no width": changed("video.width", "0"),
    "wrong type": changed("timeline", '"none"'),
    "another type": changed("video", "[]"),
    "nothing": b"null",
    "number": b"17",
    "text": b"no JSON",
    "cut off": GOOD[: len(GOOD) // 2].encode(),
    "no UTF-8": changed("video.path", '"a.mp4"').replace(b"a.mp4", b"a\xff.mp4"),
    "UTF-16": GOOD.encode("utf-16-le"),
    "other schema": changed("schema_version", "2"),
    "odd schema": changed("schema_version", "[[1]]"),
    "odd error": b'{"schema_version": 1, "error": []}',
}

HARMLESS: dict[str, bytes] = {
    "half a character": changed("tags.0.label", '"\\ud800 and \\udc00\\ud800"'),
    "duplicate keys": changed("vidtag_version", '"1", "vidtag_version": "2"'),
    "long text": changed("video.path", '"' + "x" * 300_000 + '"'),
    "no steps": changed("timeline", "[]"),
    "no tags in a step": changed("timeline.3.tags", "[]"),
    "no tags": changed("tags", "[]"),
    "marks": changed("video.path", '"' + "\\u0301" * 3000 + '"'),
}


def stream(content: bytes) -> list[stored.Stored]:
    return list(stored.stream_results(io.BytesIO(content), "x.jsonl"))


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("place", ["first", "middle", "last", "alone"])
def test_odd_results_cost_none_of_the_others(odd, place):
    odd = odd.replace(b"\n", b"")  # UTF-16 has some in the middle of characters
    lines = {
        "first": [odd, GOOD.encode(), GOOD.encode()],
        "middle": [GOOD.encode(), odd, GOOD.encode()],
        "last": [GOOD.encode(), GOOD.encode(), odd],
        "alone": [odd],
    }[place]
    results = stream(b"\n".join(lines))
    errors = [one for one in results if isinstance(one, DocumentError)]
    assert len(errors) == 1
    assert len(str(errors[0])) < 300
    assert str(errors[0]).startswith("x.jsonl")
    assert [one for one in results if isinstance(one, Document)] == [make_document("good.mp4")] * (
        len(lines) - 1
    )


@pytest.mark.parametrize("harmless", HARMLESS.values(), ids=HARMLESS)
def test_what_is_merely_unusual_is_answered(harmless):
    [result] = stream(harmless)
    assert isinstance(result, Document)
    render_everywhere(result)


def test_half_characters_are_replaced_and_whole_ones_stay():
    text = r'["\ud83d\udc83", "\ud800", "\\ud800", "\udc83\ud83d", "\\\udfff"]'
    assert parse_json(text) == ["💃", "\ufffd", "\\ud800", "\ufffd\ufffd", "\\\ufffd"]
    with pytest.raises(ValueError, match="EOF"):
        parse_json(r'["\ud8"]')


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        f"\ufeff{GOOD}\r\n",
        f"\n\n  {GOOD}\n\n",
        json.dumps(json.loads(GOOD), indent=2),
        "\ufeff" + json.dumps(json.loads(GOOD), indent=2).replace("\n", "\r\n"),
        f"[{GOOD}]",
        json.dumps([json.loads(GOOD)], indent=1),
    ],
)
def test_one_document_in_any_dress(content):
    assert stream(content.encode()) == [make_document("good.mp4")]


def test_a_list_with_an_odd_one():
    good, odd, last = stream(f"[\n{GOOD},\n17,\n{GOOD}]".encode())
    assert good == last == make_document("good.mp4")
    assert isinstance(odd, DocumentError)


def test_errors_name_the_line():
    _, error, _ = stream(f"\n{GOOD}\n\nno\n{GOOD}".encode())
    assert str(error).startswith("x.jsonl: line 4: not JSON (")
    [error] = stream(b'\n{\n  "a": 1,\n  no\n}')
    assert "line 4" in str(error)


def test_many_errors_are_summed_up(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(f"{GOOD}\n" + "{}\n" * 1000)
    results = list(stored.read_stored(str(path)))
    assert len(results) < 50
    assert str(results[-1]).endswith(" more lines are no results.")


def test_lines_are_read_one_after_the_other():
    class Endless(io.RawIOBase):
        num_read = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.num_read += 1
            return GOOD.encode() + b"\n"

    file = Endless()
    results = stored.stream_results(file, "x")  # type: ignore[arg-type]
    for _ in range(10):
        assert next(results) == make_document("good.mp4")
    assert file.num_read < 15


def test_a_line_without_an_end_is_read_no_further(monkeypatch, tmp_path):
    monkeypatch.setattr(stored, "MAX_BYTES", 10_000)
    path = tmp_path / "x.json"
    for content in (b"\0" * 30_000, b"{\n" * 30_000, GOOD.encode() + b"\n" + b"1" * 30_000):
        path.write_bytes(content)
        *_, error = stored.read_stored(str(path))
        assert "is not read" in str(error)


def test_one_validator_reads_all(monkeypatch):
    import pydantic

    fingerprint = []
    adapter = pydantic.TypeAdapter

    def counted(kind):
        fingerprint.append(kind)
        return adapter(kind)

    monkeypatch.setattr(pydantic, "TypeAdapter", counted)
    assert len(stream(f"{GOOD}\n{to_json(make_failed())}\n".encode() * 200)) == 400
    assert len(fingerprint) <= 2


@pytest.fixture
def others(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What is no file of results."""
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "folder.json").mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket.json"))
    yield {
        "pipe": str(tmp_path / "fifo.json"),
        "folder": str(tmp_path / "folder.json"),
        "socket": str(tmp_path / "socket.json"),
        "device": "/dev/zero",
        "missing": str(tmp_path / "missing.json"),
        "NUL": "a\0b.json",
    }
    server.close()


def test_what_is_no_file_is_not_waited_for(others):
    for name, path in others.items():
        [error] = stored.read_stored(path)
        assert isinstance(error, DocumentError), name


def test_a_pipe_with_a_writer_is_read(tmp_path):
    read_end, write_end = os.pipe()
    os.write(write_end, GOOD.encode())
    os.close(write_end)
    assert list(stored.read_stored(f"/dev/fd/{read_end}")) == [make_document("good.mp4")]
    os.close(read_end)


def grep(*paths: str, **options: Any) -> int:
    def no_model() -> Any:
        raise AssertionError("no video was named")

    request = SearchRequest(patterns=compile_patterns(["juggling"]), min_score=0.5, **options)
    extensions = frozenset({".json", ".jsonl"})
    return run_grep(request, find_inputs(paths, recursive=False, extensions=extensions), no_model)


def test_grep_answers_the_others_and_exits_with_2(tmp_path, others, capsys):
    names = []
    for n, odd in enumerate(ODD.values()):
        names.append(str(tmp_path / f"{n}.json"))
        Path(names[-1]).write_bytes(odd)
    (tmp_path / "good.json").write_text(GOOD)
    paths = [*names, others["pipe"], others["socket"], str(tmp_path / "good.json")]
    assert grep(*paths) == 2
    out, err = capsys.readouterr()
    assert out.startswith("good.mp4:0.000-2.000:juggling balls:")
    lines = err.splitlines()
    assert len(lines) == len(paths) - 1
    for line, path in zip(lines, paths, strict=False):
        assert line.startswith(f"error: {path}")
    assert grep(names[0]) == 2


def test_grep_finds_its_own_files_in_folders(tmp_path, others, capsys):
    (tmp_path / "package.json").write_text('{"name": "x"}')
    (tmp_path / "lines.jsonl").write_text("{}\n" * 100)
    (tmp_path / "mixed.jsonl").write_text(f"{{}}\n{GOOD}\nno\n")
    assert grep(str(tmp_path)) == 2
    out, err = capsys.readouterr()
    assert out.count("good.mp4:") == 1
    assert err.count("error: ") == 2
    assert "mixed.jsonl: line 1:" in err
    assert "mixed.jsonl: line 3:" in err
    assert "2 JSON files in folders left alone" in err


def test_show_answers_the_others(tmp_path, others, capsys):
    (tmp_path / "odd.jsonl").write_bytes(b"\n".join([*ODD.values(), GOOD.encode()]))
    paths = (others["pipe"], others["device"], others["folder"], str(tmp_path / "odd.jsonl"))
    assert run_show(ShowRequest(paths=paths, formats=("csv",))) == 3
    out, err = capsys.readouterr()
    assert out.count("juggling balls") == 1
    assert err.count("error: ") > 20
    assert run_show(ShowRequest(paths=paths[:3], formats=("csv",))) == 1


def test_show_takes_several_results_of_one_video_but_not_into_a_folder(tmp_path, capsys):
    (tmp_path / "two.jsonl").write_text(f"{GOOD}\n{GOOD}\n{GOOD}\n")
    request = ShowRequest(paths=(str(tmp_path / "two.jsonl"),), formats=("csv",), quiet=True)
    assert run_show(request) == 0
    with pytest.raises(UsageError, match="twice"):
        run_show(dataclasses.replace(request, outputs=(f"{tmp_path}/out/",)))


@pytest.mark.parametrize(
    ("name", "suffix"), [("json", ".jsonl"), ("csv", ".csv"), ("activitynet", ".activitynet.json")]
)
def test_show_joins_several_results_of_one_video_in_their_order(tmp_path, name, suffix):
    other = make_document("other.mp4")
    again = make_document("good.mp4", labels=[f"{label} again" for label in LABELS])
    lines = [GOOD, to_json(other), to_json(again)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    output = tmp_path / f"all{suffix}"
    request = ShowRequest(paths=(str(tmp_path / "in.jsonl"),), outputs=(str(output),), quiet=True)
    assert run_show(request) == 0
    documents = [make_document("good.mp4"), other, again]
    assert output.read_text() == FORMATS[name].write(documents)


@pytest.mark.parametrize(
    "name",
    ["url", "pipe", "link to a pipe", "/dev/zero", "/proc/kmsg", "/proc/self/mem", "-", "folder"],
)
def test_rendering_opens_nothing_but_files(tmp_path, monkeypatch, name):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "pipe.mp4")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        names = {
            "url": f"http://127.0.0.1:{server.getsockname()[1]}/clip.mp4",
            "pipe": str(tmp_path / "pipe.mp4"),
            "link to a pipe": str(tmp_path / "link.mp4"),
            "folder": str(tmp_path),
        }
        (tmp_path / "x.jsonl").write_text(to_json(make_document(names.get(name, name))))
        monkeypatch.setattr("vidtag.video.reader.Video.__init__", None)  # is not called
        for formats in (list(FORMATS), ["html"], ["json"]):
            out = f"{tmp_path}/{formats[0]}/"
            request = ShowRequest(
                paths=(str(tmp_path / "x.jsonl"),), formats=tuple(formats), outputs=(out,),
                force=True, quiet=True,
            )  # fmt: skip
            assert run_show(request) == 0
        with pytest.raises(BlockingIOError):
            server.accept()


def render_everywhere(document: Document) -> None:
    for one in FORMATS.values():
        one.to_bytes([document])
    table_drawing.to_text(document)
    for width in (20, 80):
        console = Console(file=io.StringIO(), width=width)
        console.print(table_drawing.render(document, width=width))
    render_index([IndexEntry(result=document)])
    found = search_document(document, compile_patterns(["up"]), min_score=0.1)
    explain_undecided("x", document, found, min_score=0.1)


RAW = (
    *("NaN", "1e999", "-1", "0", "-0.0", "1e-320", "1e308", "9223372036854775808", "1.5", "2"),
    *("1.0000001", "1e9", "1e10", "86400", "true", "null", "[]", "{}", "[[]]", "1" * 4300),
    *('""', '"x"', '".."', '"/"', '"-"', r'"\ud800"', r'"\u0000"', r'"\u001b[31m\u202e"'),
    *(r'"\n"', '"1"', "[" * 300 + "]" * 300, '"' + "x" * 20_000 + '"'),
)


def places(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in inner:
        yield (*above, key)
        if isinstance(below, dict | list):
            yield from places(below, (*above, key))


def spoil(rng: random.Random, value: Any) -> bytes:
    """Change a document in one or some places."""
    raw: dict[str, str] = {}

    def replace(target: Any, key: Any) -> None:
        raw[f"@@{len(raw)}@@"] = rng.choice(RAW)
        target[key] = list(raw)[-1]

    def scale(target: Any, key: Any) -> None:
        if isinstance(target[key], int | float):
            target[key] *= rng.choice([-1, 2, 1e3, 1e6, 1e9, 1e12, 1e-3])

    def drop(target: Any, key: Any) -> None:
        del target[key]

    def empty(target: Any, key: Any) -> None:
        if isinstance(target[key], dict | list):
            target[key].clear()

    def shuffle(target: Any, key: Any) -> None:
        if isinstance(target[key], list):
            rng.shuffle(target[key])

    changes: list[Callable[[Any, Any], None]] = [replace, replace, scale, scale, drop, empty]
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        *above, key = rng.choice(list(places(value)))
        target = value
        for part in above:
            target = target[part]
        rng.choice([*changes, shuffle])(target, key)
    text = json.dumps(value)
    for mark, raw_value in raw.items():
        text = text.replace(f'"{mark}"', raw_value)
    return text.encode()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_read_can_be_rendered(seed):
    rng = random.Random(seed)
    documents = [make_document(), make_document(labels=HOSTILE_LABELS)]
    num_read = 0
    for _ in range(100):
        odd = spoil(rng, json.loads(to_json(rng.choice(documents))))
        first, *middle, last = stream(b"\n".join([GOOD.encode(), odd, GOOD.encode()]))
        assert first == last == make_document("good.mp4")
        for result in middle:
            if isinstance(result, Document):
                num_read += 1
                render_everywhere(result)
            elif isinstance(result, Failure):
                to_json(result)
    assert num_read > 5


def test_odd_results_in_an_output_folder_are_none(tmp_path):
    path = tmp_path / "clip.mp4.json"
    for name in ("deep", "deep objects", "long integer", "NUL in a path", "no UTF-8"):
        path.write_bytes(ODD[name].replace(b'"tags"', b'"others"') + b"}\n")
        assert fingerprint.read_header(str(path)) is None
        assert list(fingerprint.read_lines(str(path))) == []


def test_a_document_of_before_gets_its_summary():
    document = make_document()
    plain = json.loads(to_json(document))
    del plain["summary"]
    [read] = stream(json.dumps(plain).encode())
    assert isinstance(read, Document)
    assert read == dataclasses.replace(document, summary=read.summary)
    assert read.summary
