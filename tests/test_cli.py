"""The command as a user types it, in processes of its own where start-up or signals matter."""

import json
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args, get_type_hints

import jsonschema
import pytest
from make_video import make_video
from tiny_models import convert, make_tiny_model

from vidtag import LoadOptions, Part, Settings, __version__
from vidtag.cli.explain import Asked
from vidtag.cli.grouping import grouped
from vidtag.cli.options import (
    DEFAULT_TOP_K,
    Common,
    ModelChoice,
    Sampling,
    Segments,
    TaggedResults,
    Talk,
)
from vidtag.documents.stored import read_documents
from vidtag.errors import MODEL_WARNING_CODES
from vidtag.explain.explanation import Method
from vidtag.explain.methods import DEFAULT_METHOD
from vidtag.timeline.scores import Average

TINY = ["--engine", "torch", "--precision", "fp32"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def model(folder):
    return str(convert(make_tiny_model(folder / "model")))


@pytest.fixture(scope="module")
def clip(folder):
    path = folder / "clip.mp4"
    make_video(path, num_frames=130, fps=25)
    return str(path)


def spawn(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "vidtag", *arguments], capture_output=True, check=False, **options
    )


def assert_one_line(text: str) -> None:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text


def test_a_table_on_stdout_and_nothing_on_stderr(run, clip, model):
    code, out, err = run(clip, "-m", model, *TINY)
    assert code == 0
    assert err == ""
    title, *rest = out.splitlines()
    assert title == f"{clip}  0:05.2"
    assert "windows" not in out
    assert any(line.startswith("0:00 - ") for line in rest)
    assert not any(line.endswith(" ") or "…" in line for line in out.splitlines())


def test_how_it_was_made_is_told_where_that_is_asked_for(run, clip, model):
    lines = run(clip, "-m", model, *TINY, "-v")[1].splitlines()
    assert lines[0] == f"{clip}  0:05.2"
    assert lines[1] == f"model {model} · weights of unknown licence"
    assert lines[2] == "160x120 · 5 windows of 2 s every 1 s"
    assert lines[3] == "torch fp32 on cpu"


@pytest.mark.parametrize(("asked", "num"), [([], 4), (["-k", "5"], 5), (["-k", "3"], 3)])
def test_weak_runners_up_are_shown_where_their_number_was_asked_for(run, clip, model, asked, num):
    _, out, _ = run(clip, "-m", model, *TINY, "--min-score", "0.01", *asked)
    row = next(line for line in out.splitlines() if line.startswith("0:00 - "))
    assert row.count("action ") == num


def test_json_is_one_valid_line(run, clip, model):
    code, out, err = run(clip, "--json", "-m", model, *TINY, "-k", "2")
    assert (code, err, out.count("\n")) == (0, "", 1)
    document = json.loads(out)
    _, schema, _ = run("schema")
    jsonschema.validate(document, json.loads(schema))
    assert [len(step["tags"]) for step in document["timeline"]] == [2] * 6
    assert list(document) == [
        "schema_version", "vidtag_version", "video", "model", "sampling", "settings", "engine",
        "tags", "summary", "segments", "timeline", "warnings", "timing",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_demo_model_says_once_a_run_what_it_does_not_know(run, clip, tmp_path):
    warning = f"warning: {MODEL_WARNING_CODES['demo_model']}\n"
    again = tmp_path / "again.mp4"
    again.write_bytes(Path(clip).read_bytes())
    stored = tmp_path / "tags.jsonl"
    for arguments in (
        [clip, str(again), "-m", "demo", "-o", str(stored)],
        [clip, "-m", "demo"],
        ["grep", "x", clip, str(again), "-m", "demo"],
        ["show", str(stored)],
    ):
        _, _, err = run(*arguments)
        assert err.count(warning) == 1, arguments
        assert MODEL_WARNING_CODES["demo_model"] not in run(*arguments, "-q")[2]
    for line in stored.read_text().splitlines():
        assert json.loads(line)["warnings"][0]["code"] == "demo_model"


def test_a_finished_file_of_a_batch_says_what_holds_and_not_the_mean(run, clip, model, tmp_path):
    arguments = [clip, "missing.mp4", "-m", model, *TINY, "-o", str(tmp_path / "all.jsonl")]
    _, _, err = run(*arguments, "--min-score", "0.0001", "--stride", "1")
    assert f"{clip}: action " in err
    assert " 0:05.2 100 % · " in err
    assert " more (0:05.2 in " in err
    _, _, err = run(*arguments, "--min-score", "1")
    assert f"{clip}: no label reaches 1; a guess: action " in err


def test_options_may_stand_anywhere(run, clip, model):
    for arguments in (["tag", clip], [clip], ["-k1", clip], ["--top-k=1", clip], ["--", clip]):
        code, out, _ = run(*([*TINY, "-m", model] if arguments[0] == "--" else []), *arguments,
                           *([] if arguments[0] == "--" else ["-m", model, *TINY]))  # fmt: skip
        assert code == 0
        assert out.startswith(clip)


def test_a_file_with_the_name_of_a_command(run, folder, clip, model, monkeypatch):
    monkeypatch.chdir(folder)
    os.link(clip, "models")
    for name in (["./models"], ["--", "models"]):
        code, out, _ = run("-m", model, *TINY, *name)
        assert (code, out.split()[0]) == (0, name[-1])
    code, out, _ = run("models")
    assert (code, "VideoMAE-base, 400 Kinetics actions" in out) == (0, True)


def test_several_inputs_give_json_lines_and_a_summary(run, folder, clip, model):
    text = folder / "text.mp4"
    text.write_text("no video")
    code, out, err = run(clip, str(text), "missing.mp4", "--json", "-m", model, *TINY)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert [line.get("error", {}).get("code") for line in lines] == [
        None,
        "not_a_video",
        "not_found",
    ]
    assert err.splitlines()[-1] == "1 tagged, 2 failed in 0:01"
    assert "text.mp4" in err
    assert len(list(read_documents(out, "out"))) == 3


def test_quiet_shows_errors_alone(run, clip, model):
    code, _, err = run("-q", clip, "missing.mp4", "-m", model, *TINY)
    assert code == 3
    assert_one_line(err)
    assert "missing.mp4" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.mp4"], 1, "There is no file 'missing.mp4'"),
        (["missing.mp4", "--json"], 1, "There is no file 'missing.mp4'"),
        (["{text}"], 1, "text.mp4"),
        (["{clip}", "--start", "1:00"], 1, "clip.mp4"),
        (["{clip}", "--start", "5", "--end", "4"], 2, "--end must come after --start"),
        (["{clip}", "--bogus"], 2, "No such option: --bogus"),
        (["{clip}", "--stride", "0"], 2, "must be more than 0"),
        (["{clip}", "--window", "nan"], 2, "'nan' is no length"),
        (["{clip}", "--window", "-1"], 2, "'-1' is no length"),
        (["{clip}", "-k", "0"], 2, "--top-k"),
        (["{clip}", "-k", "many"], 2, "--top-k"),
        (["{clip}", "--start", "1:75"], 2, "'1:75' is no time"),
        (["{clip}", "--average", "mode"], 2, "is not one of"),
        (["{clip}", "--min-score", "0"], 2, "--min-score"),
        (["{clip}", "-f", "xml"], 2, "choose from table, json"),
        (["{clip}", "-f", "csv", "-f", "json"], 2, "-o FOLDER"),
        (["{clip}", "{clip}2", "-f", "srt"], 2, "-o FOLDER"),
        (["{clip}", "--skip-existing"], 2, "--skip-existing"),
        (["{clip}", "--engine", "bogus"], 2, "bogus"),
        (["{clip}", "--device", "cuda"], 1, "no CUDA device"),
        (["{clip}", "-m", "{nothing}"], 1, "nothing"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(run, folder, clip, model, arguments, code, said):
    (folder / "text.mp4").write_text("no video")
    filled = [
        word.format(clip=clip, text=folder / "text.mp4", nothing=folder / "nothing")
        for word in arguments
    ]
    chosen = [] if "-m" in filled else ["-m", model]
    got, _, err = run(*filled, *chosen)
    assert got == code, err
    assert_one_line(err)
    assert said in err


def test_steps_come_one_by_one_and_then_the_document(run, clip, model, tmp_path):
    code, out, _ = run(clip, "missing.mp4", "-f", "steps", "-m", model, *TINY, "-q")
    assert code == 3
    *steps, document, failure = map(json.loads, out.splitlines())
    assert [step.pop("event") for step in steps] == ["step"] * 6
    assert {step.pop("path") for step in steps} == {clip}
    assert steps == document["timeline"]
    assert failure["error"]["code"] == "not_found"
    # What is stored is read again, and a file has the same lines.
    path = tmp_path / "clip.steps.jsonl"
    run(clip, "-o", str(path), "-m", model, *TINY)
    assert path.read_text().splitlines()[:6] == out.splitlines()[:6]
    code, shown, _ = run("show", str(path), "--json")
    assert code == 0
    assert json.loads(shown)["timeline"] == document["timeline"]


@pytest.mark.slow
def test_a_step_is_flushed_as_soon_as_it_is_known(folder, clip, model):
    """A pipe that never ends: its first steps are there while it is still open."""
    content = Path(clip.replace(".mp4", ".ts"))
    make_video(content, num_frames=250, fps=25)
    process = subprocess.Popen(
        [sys.executable, "-m", "vidtag", "-", "-f", "steps", "-m", model, *TINY,
         "--batch-size", "1", "--no-cache"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
    )  # fmt: skip
    process.stdin.write(content.read_bytes())
    process.stdin.flush()
    first = json.loads(process.stdout.readline())
    assert (first["event"], first["start_seconds"]) == ("step", 0.0)
    assert process.poll() is None
    rest, _ = process.communicate(timeout=60)
    assert json.loads(rest.splitlines()[-1])["sampling"]["end_seconds"] == 10.0


def test_top_k_beyond_the_labels_gives_all_of_them(run, clip, model):
    _, out, _ = run(clip, "-k", "1000", "--json", "-m", model, *TINY)
    document = json.loads(out)
    assert len(document["tags"]) == document["model"]["num_labels"]
    assert sum(tag["score"] for tag in document["tags"]) == pytest.approx(1, abs=1e-4)


def test_window_stride_and_part_do_what_they_say(run, clip, model):
    _, out, _ = run(clip, "--window", "4", "--stride", "0.5", "--json", "-m", model, *TINY)
    sampling = json.loads(out)["sampling"]
    assert (sampling["window_seconds"], sampling["stride_seconds"]) == (4.0, 0.5)
    assert sampling["num_windows"] == 4
    _, out, _ = run(clip, "--start", "0:01", "--end", "3.5", "--json", "-m", model, *TINY)
    timeline = json.loads(out)["timeline"]
    assert (timeline[0]["start_seconds"], timeline[-1]["end_seconds"]) == (1.0, 3.5)


def test_averages_differ(run, clip, model):
    scores = []
    for average in ("logits", "probs"):
        _, out, _ = run(clip, "--average", average, "--json", "-m", model, *TINY)
        scores.append([tag["score"] for tag in json.loads(out)["tags"]])
    assert scores[0] != scores[1]
    assert scores[0] == pytest.approx(scores[1], abs=0.1)


def test_two_runs_give_the_same_bytes_but_for_timing(run, clip, model):
    lines = [run(clip, "--json", "-m", model, *TINY, *more)[1] for more in ([], [], ["--no-cache"])]
    documents = [json.loads(line) for line in lines]
    cached = [document.pop("timing")["from_cache"] for document in documents]
    assert documents[0] == documents[1] == documents[2]
    assert cached[1:] == [True, False]
    assert len({line.split('"timing"')[0] for line in lines}) == 1


def test_labels_and_schema_and_version(run, model):
    assert run("labels", "-m", model)[1].splitlines()[0] == "action 0"
    assert json.loads(run("schema")[1])["$defs"]["Document"]["required"][0] == "schema_version"
    assert run("--version")[1] == f"vidtag {__version__}\n"


def test_help_is_quick_because_it_loads_little():
    script = (
        "import sys; sys.argv = ['vidtag', '--help']\n"
        "from vidtag.cli import app\n"
        "try: app.run()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'av', 'openvino', 'numpy', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stderr.decode() == "[]\n"


@pytest.mark.slow
def test_stored_scores_answer_without_ffmpeg_and_engine(clip, model, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path))
    convert(Path(model))
    script = (
        f"import sys; sys.argv = ['vidtag', {clip!r}, '-m', {model!r}, '--json', '-q']\n"
        "from vidtag.cli import app\n"
        "app.run()\n"
        "heavy = {'torch', 'transformers', 'av', 'openvino', 'ssl'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
        for _ in range(2)
    )
    assert b"'av'" in first.stderr
    assert second.stderr == b"[]\n"
    assert json.loads(second.stdout)["tags"] == json.loads(first.stdout)["tags"]
    assert not [*tmp_path.glob("scores.sqlite3-*")]  # the store was closed


@pytest.mark.slow
def test_a_closed_pipe_ends_quietly(clip, model):
    command = f"{sys.executable} -m vidtag {clip} {clip} {clip} --json -m {model} | head -c 10"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, env=environment,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout == b'{"schema_v'
    assert b"Broken" not in done.stderr
    assert b"Traceback" not in done.stderr


ANSWERS = [
    "{clip} --json -m {model}",
    "{clip} -m {model}",
    "{clip} {clip} -f csv -m {model}",
    "schema",
    "grep action {clip} -m {model}",
    "--help",
    "--version",
]
"""Command lines that print something."""


@pytest.mark.slow
@pytest.mark.parametrize("command", [*ANSWERS, "grep --help"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_is_gone_is_no_failure(command, unbuffered, clip, model):
    read, write = os.pipe()
    os.close(read)
    words = command.format(clip=clip, model=model).split()
    done = subprocess.run(
        [sys.executable, "-m", "vidtag", *words], stdout=write, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, check=False,
    )  # fmt: skip
    os.close(write)
    assert done.returncode == 0
    assert done.stderr == b""


@pytest.mark.slow
@pytest.mark.parametrize("command", ANSWERS)
def test_a_full_disk_behind_stdout_is_one_line(command, clip, model):
    command = f"{sys.executable} -m vidtag {command.format(clip=clip, model=model)} > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert "vidtag: Can't write to standard output: No space left on device.\n" in done.stderr
    assert "Exception" not in done.stderr


def test_missing_files_are_named_before_a_model_is_looked_for(run, tmp_path):
    missing = str(tmp_path / "missing.mp4"), str(tmp_path / "gone.mp4")
    code, out, err = run(*missing, "-m", "nobody/nothing", "--json")
    assert code == 1
    assert [json.loads(line)["error"]["code"] for line in out.splitlines()] == ["not_found"] * 2
    assert err.splitlines()[-1] == "0 tagged, 2 failed in 0:01"
    assert "nobody" not in err
    assert run(*missing, "-m", "nobody/nothing", "--fail-fast")[2].count("There is no file") == 1
    code, out, err = run("grep", "jogging", *missing, "-m", "nobody/nothing")
    assert (code, out, err.count("There is no file")) == (2, "", 2)
    assert "nobody" not in err


def test_a_missing_file_is_named_first_beside_one_that_is_there(run, clip, tmp_path):
    missing, model = str(tmp_path / "missing.mp4"), ["-m", "./nowhere"]
    for arguments in (["tag"], ["grep", "x"]):
        code, out, err = run(*arguments, clip, missing, *model)
        assert (code, out) == (1 + (arguments[0] == "grep"), "")
        first, *_, last = err.splitlines()
        assert first.endswith(f"There is no file '{missing}'; check the spelling.")
        assert "the model './nowhere'" in last
        assert err.count("missing.mp4") == 1
    for name in (missing, str(tmp_path)):
        code, _, err = run("explain", name, *model)
        assert code == 1
        assert name in err
        assert "model" not in err


@pytest.mark.parametrize(
    "address",
    [
        "https://www.youtube.com/watch?v=a1&t=5",
        "https://youtu.be/a1",
        "http://me:secret@vimeo.com/123",
        "m.youtube.com/watch?v=a1",
        "youtu.be/a1",
    ],
)
def test_the_page_of_a_video_site_is_sent_to_yt_dlp(run, tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    for arguments in (["tag"], ["grep", "x"], ["explain"]):
        code, out, err = run(*arguments, address, "-m", "nobody/nothing")
        assert (code, out) == (1 + (arguments[0] == "grep"), "")
        assert_one_line(err)
        full = address if address.startswith("http") else f"https://{address}"
        page = full.replace("me:secret@", "")
        assert f"yt-dlp -o - {shlex.quote(page)} | vidtag -" in err
        assert "secret" not in err


@pytest.mark.slow
def test_a_file_on_a_video_site_is_asked_for(run):
    address = "https://player.vimeo.com/external/1.hd.mp4?s=1"
    err = run(address, "-m", "demo", "--offline")[2]
    assert "--offline forbids" in err


def test_a_misspelt_command_is_no_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("mdels")
    assert (code, out) == (2, "")
    assert "did you mean the command 'models'?" in err
    for option in ("--model", "--label"):  # as close to a command as that
        assert "did you mean the command" not in run(option, "demo", "missing.mp4")[2]
    (tmp_path / "mdels").write_bytes(b"no video")
    assert "did you mean" not in run("mdels", "-m", "demo")[2]


@pytest.mark.slow
def test_ctrl_c_ends_at_once_with_130(folder, model):
    # A pipe that says next to nothing: the reader has taken that, and blocks in the kernel.
    read, write = os.pipe()
    os.write(write, b"....")
    process = subprocess.Popen(
        [sys.executable, "-m", "vidtag", "-", "-m", model],
        stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and select.select([read], [], [], 0)[0]:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    os.close(write)
    os.close(read)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err


@pytest.mark.slow
def test_ctrl_c_while_it_starts_gives_130(clip):
    script = "from vidtag.__main__ import main; print(flush=True); main()"
    for delay in (0.01, 0.05, 0.1, 0.2, 0.4):
        process = subprocess.Popen(
            [sys.executable, "-c", script, clip, "-m", "demo", "--no-cache"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, b"Traceback" in err) == (130, False), (delay, err)


def test_control_characters_never_reach_the_terminal(run, folder, clip, model, monkeypatch):
    name = "a\x1b[31mred\x9b\u202e[bold]\n.mp4"
    monkeypatch.chdir(folder)
    os.link(clip, name)
    for arguments in ([name], [name + "x"], [name, "--json"]):
        _, out, err = run(*arguments, "-m", model, *TINY)
        for text in (out, err):
            assert not any(c in text.replace("\n", "") for c in "\x1b\x9b\u202e")
    assert "[bold]" in run(name, "-m", model, *TINY)[1]


@pytest.mark.slow
def test_a_name_that_is_no_utf8(folder, clip, model):
    name = os.fsencode(folder) + b"/caf\xe9.mp4"
    os.link(clip, name)
    done = subprocess.run(
        [sys.executable.encode(), b"-m", b"vidtag", name, b"--json", b"-m", model.encode()],
        capture_output=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["video"]["path"].endswith("caf\ufffd.mp4")


@pytest.mark.slow
def test_an_ascii_terminal_gets_a_table_too(clip, model):
    done = spawn(clip, "-m", model, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert b"0:00 - " in done.stdout


def test_an_unforeseen_failure_is_one_line(run, clip, model, monkeypatch):
    monkeypatch.setattr("vidtag.cli.tag_run.run_batch", lambda *_: 1 / 0)
    code, _, err = run(clip, "-m", model)
    assert code == 1
    assert_one_line(err)
    assert "ZeroDivisionError" in err


@pytest.mark.parametrize("where", ["vidtag.cli.tag_run.run_batch", "vidtag.cli.app.stderr_console"])
def test_too_little_memory_is_one_line(run, model, monkeypatch, where):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(where, fail)
    code, out, err = run("a.mp4", "-m", model) if "batch" in where else run("labels", "-m", "./x")
    assert (code, out) == (1, "")
    assert_one_line(err)
    assert "memory" in err or "no such folder" in err


@pytest.mark.slow
def test_explain_says_where_the_evidence_lies(run, folder, clip, model):
    code, out, err = run("explain", clip, "-m", model, "--at", "1", "-o", f"{folder}/maps/")
    assert code == 0, err
    assert "frames shuffled" in out
    assert {path.suffix for path in (folder / "maps").iterdir()} == {".mp4", ".png", ".json"}
    code, out, _ = run("explain", clip, "-m", model, "--at", "1", "--json", "--method", "occlusion")
    assert (code, json.loads(out)["explanations"][0]["method"]) == (0, "occlusion")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.mp4"], 1, "missing.mp4"),
        (["{clip}", "--method", "guess"], 2, "is not one of"),
        (["{clip}", "-o", "map.bmp"], 2, ".png"),
        (["{clip}", "--label", "nothing"], 2, "nothing"),
        (["{clip}", "--at", "1:00:00"], 2, "clip.mp4"),
    ],
)
def test_what_cannot_be_explained_is_said_in_one_line(run, clip, model, arguments, code, said):
    filled = [word.format(clip=clip) for word in arguments]
    got, _, err = run("explain", *filled, "-m", model)
    assert got == code, err
    assert_one_line(err)
    assert said in err


@pytest.mark.slow
def test_pages_show_maps_when_asked(run, folder, clip, model):
    code, _, err = run(clip, "-m", model, "-f", "html", "--explain", "-o", f"{folder}/pages/",
                       "--min-score", "0.05")  # fmt: skip
    assert code == 0, err
    assert "data:image/webp" in (folder / "pages" / "clip.mp4.html").read_text()
    code, _, err = run(clip, "-m", model, "--explain")
    assert (code, "--explain goes with" in err) == (2, True)


@pytest.mark.slow
def test_a_page_without_maps_is_not_done_where_maps_are_asked_for(run, folder, clip, model):
    pages = ("-m", model, "-f", "html", "-o", f"{folder}/skipped/", "--skip-existing")
    for arguments, said in (
        ([], "1 tagged, 1 failed"),
        ([], "0 tagged, 1 skipped, 1 failed"),
        (["--explain"], "1 tagged, 1 failed"),
        (["--explain"], "0 tagged, 1 skipped, 1 failed"),
        ([], "1 tagged, 1 failed"),
    ):
        assert said in run(clip, "missing.mp4", *pages, *arguments)[2]


def test_defaults_of_the_command_line_are_those_of_the_library():
    assert TaggedResults().top_k is None  # which tells whether it was asked for
    model, sampling, segments = ModelChoice(), Sampling(), Segments()
    assert model.load(quiet=True) == LoadOptions()
    assert (
        Settings(top_k=DEFAULT_TOP_K, average=sampling.average, rule=segments.rule()) == Settings()
    )
    assert get_args(get_type_hints(Asked)["method"]) == get_args(Method)
    assert Asked().method == DEFAULT_METHOD
    assert get_args(get_type_hints(Sampling)["average"]) == get_args(Average)
    assert Common().part(offline=False) == Part()


def test_two_groups_never_share_an_option():
    def command(*, one: Common, other: Talk) -> None: ...

    with pytest.raises(ValueError, match="duplicate parameter name"):
        grouped(command)
