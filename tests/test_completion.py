"""What TAB offers: as a protocol, and in real shells."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from tiny_models import make_tiny_model

from vidtag.aliases import ALIASES
from vidtag.cli import completion, shells
from vidtag.cli.app import app
from vidtag.cli.completion import Offer
from vidtag.formats import FORMATS

TOP = typer.main.get_command(app)


def offered(*words: str, current: str = "") -> Offer:
    return completion.offer(TOP, "tag", words, current)


def test_the_first_word_is_a_command_or_a_file():
    first = offered()
    assert first.files == "files"
    assert {"show", "grep", "models", "labels", "cache"} <= first.words.keys()
    assert "tag" not in first.words
    assert all(first.words.values())


def test_options_are_those_of_the_command():
    assert {"--format", "--model", "--null", "--help", "--version"} <= offered(
        current="-"
    ).words.keys()
    assert "--version" not in offered("clip.mp4", current="--").words
    assert {"--regexp", "--model"} <= offered("grep", current="-").words.keys()
    assert "--format" not in offered("grep", current="-").words
    assert "--json" in offered("models", current="-").words
    assert "--offline" in offered("models", "get", current="-").words
    assert offered("--", current="-") == completion.FILES


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (["-f"], {"json", "csv", "html"}),
        (["clip.mp4", "--format"], set(FORMATS)),
        (["show", "-f"], set(FORMATS)),
        (["-m"], set(ALIASES)),
        (["grep", "jog", "--model"], {"base", "xclip"}),
        (["models", "get"], set(ALIASES)),
        (["labels", "-m"], set(ALIASES)),
        (["--device"], {"auto", "cpu", "cuda", "mps"}),
        (["--engine"], {"auto", "torch", "openvino"}),
        (["--precision"], {"auto", "fp32", "bf16", "fp16", "int8"}),
        (["--average"], {"logits", "probs"}),
        (["--background"], {"auto", "none"}),
        (["explain", "clip.mp4", "--method"], {"combined", "occlusion", "rollout"}),
        (["--show-completion"], {"bash", "zsh", "fish", "powershell"}),
        (["models"], {"get"}),
    ],
)
def test_values_that_are_known_are_offered(words, some):
    assert some <= offered(*words).words.keys()


@pytest.mark.parametrize(
    "option", ["--device", "--engine", "--precision", "--average", "--background"]
)
def test_what_is_offered_is_taken(option, run):
    # What is refused comes before the file that is not there.
    words = ["--label", "jog", "-m", "demo-words"] if option == "--background" else ["-m", "demo"]
    for value in offered(option).words:
        code, _, err = run("missing.mp4", option, value, *words)
        assert "unknown" not in err
        assert not (code == 2 and "Invalid" in err), err


def test_every_method_is_offered():
    from typing import get_args, get_type_hints

    from vidtag.cli.explain import Asked

    methods = get_type_hints(Asked)["method"]
    assert set(offered("explain", "--method").words) == set(get_args(methods))


def test_labels_are_those_of_the_model_that_is_named(tmp_path):
    assert "push up" in offered("grep").words
    assert "Opening something" in offered("grep", "-m", "ssv2").words
    assert "Opening something" in offered("explain", "clip.mp4", "--model=ssv2", "--label").words
    assert len(offered("grep", "-mdemo").words) == 22
    folder = make_tiny_model(tmp_path / "model", num_labels=3)
    assert set(offered("grep", "-m", str(folder), "-e").words) == {
        "action 0",
        "action 1",
        "action 2",
    }
    assert "kick" in offered("labels", "--find").words
    (folder / "config.json").write_text("{")
    assert offered("grep", "-m", str(folder)) == completion.NOTHING
    assert offered("grep", "-m", "no/such").words == {}


def test_files_come_where_files_are_meant():
    for words in (["clip.mp4"], ["-k", "3"], ["show"], ["explain"], ["compare", "a.mp4"], ["-o"],
                  ["--files-from"], ["--labels-from"], ["grep", "jog"], ["grep", "-e", "jog"],
                  ["--"]):  # fmt: skip
        assert offered(*words).files == "files", words
    assert offered("-m").files == "folders"
    for words in (["-k"], ["--label"], ["schema"], ["labels"], ["explain", "clip.mp4"]):
        assert offered(*words) == completion.NOTHING, words


def test_cached_models_of_the_hub_are_offered(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name, kind in (("me/mine", "videomae"), ("me/words", "bert"), ("me/odd", None)):
        folder = tmp_path / f"models--{name.replace('/', '--')}" / "snapshots" / ("a" * 40)
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("[" if kind is None else f'{{"model_type": "{kind}"}}')
    assert {word for word in offered("-m").words if "/" in word} == {"me/mine"}


def ask(shell: str, *words: str) -> list[str]:
    env = {
        **os.environ,
        "_VIDTAG_COMPLETE": shell,
        "_VIDTAG_WORDS": "".join(f"{word}\n" for word in ("vidtag", *words)),
    }
    done = subprocess.run(
        [sys.executable, "-m", "vidtag"], env=env, capture_output=True, check=True
    )
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


@pytest.mark.slow
def test_a_shell_is_answered_with_a_line_a_word():
    assert ask("bash", "-f", "j") == ["json\tthe whole document, one line per video"]
    assert ask("bash", "cli") == [":files"]
    assert ask("bash", "grep", "push\\ u") == [":quote", "push up"]
    assert ask("bash", "grep", "'PUSH U") == [":quote", "push up"]
    assert ask("fish", "--engine=t")[0] == "--engine=auto"  # fish itself keeps what fits
    assert ask("zsh", "--engine=t")[0] == "auto"
    assert ask("powershell", "--engine=t") == ["--engine=torch"]
    assert ask("powershell", "grep", "push u") == ["push up"]
    assert ask("complete_bash", "-f", "j") == []


@pytest.mark.slow
def test_an_answer_loads_nothing_heavy():
    script = (
        "import sys, os; from vidtag.cli import app; app.run()\n"
        "heavy = {'numpy', 'torch', 'transformers', 'pydantic', 'av', 'openvino', 'jinja2'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    for words in ("vidtag\n\n", "vidtag\ngrep\np\n", "vidtag\n-m\n\n", "vidtag\n-f\n\n"):
        env = {**os.environ, "_VIDTAG_COMPLETE": "zsh", "_VIDTAG_WORDS": words}
        done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True)
        assert done.stdout.decode().splitlines()[-1] == "loaded []", words


def test_scripts_are_printed_and_a_wrong_shell_is_refused(run, monkeypatch):
    for shell in shells.SHELLS:
        code, out, err = run("--show-completion", shell)
        assert (code, err) == (0, "")
        assert out == shells.script(shell)
        assert "_VIDTAG_COMPLETE" in out
    assert run("--show-completion", "pwsh")[1] == shells.script("powershell")
    code, out, err = run("--show-completion", "tcsh")
    assert (code, out) == (2, "")
    assert err == ("vidtag: There is no completion for the shell 'tcsh'; name one of bash, zsh, "
                   "fish, powershell.\n")  # fmt: skip
    monkeypatch.setattr(shells, "_running_shell", lambda: None)
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert run("--show-completion")[1] == shells.script("fish")


def test_a_file_may_be_called_completion(run):
    code, _, err = run("completion.mp4", "-m", "demo")
    assert code == 1
    assert "There is no file 'completion.mp4'" in err


@pytest.mark.parametrize(
    ("shell", "where", "told"),
    [
        ("bash", ".bash_completions/vidtag.sh", ".bashrc"),
        ("zsh", ".zfunc/_vidtag", ".zshrc"),
        ("fish", ".config/fish/completions/vidtag.fish", None),
    ],
)
def test_installing_twice_adds_one_line(shell, where, told, run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    if told:
        (tmp_path / told).write_text("alias v=vidtag")
    for _ in range(2):
        code, out, _ = run("--install-completion", shell)
        assert (code, out) == (0, f"{tmp_path / where}\n")
    assert (tmp_path / where).read_text() == shells.script(shell)
    if told:
        first, second = (tmp_path / told).read_text().splitlines()
        assert first == "alias v=vidtag"
        assert second


def test_a_home_that_takes_nothing_is_told(run, tmp_path, monkeypatch):
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    code, out, err = run("--install-completion", "fish")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with files, and a `vidtag` on the path."""
    folder = tmp_path_factory.mktemp("desk")
    work = folder / "work"
    (work / "clips").mkdir(parents=True)
    (work / "holiday film.mp4").touch()
    command = folder / "bin" / "vidtag"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vidtag "$@"\n')
    command.chmod(0o755)
    for shell, name in (("bash", "vidtag.sh"), ("zsh", "_vidtag"), ("fish", "vidtag.fish")):
        (folder / name).write_text(shells.script(shell))
    return folder


START = {
    "bash": "PS1='> '; source {desk}/vidtag.sh",
    "zsh": "PS1='> '; autoload -Uz compinit; compinit -u -D; source {desk}/_vidtag",
}


class Terminal:
    """A shell in a terminal of its own, in which somebody types."""

    def __init__(self, shell: str, desk: Path) -> None:
        self.text = ""
        options = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[shell]
        self.process, self.file = pty.fork()
        if self.process == 0:
            os.chdir(desk / "work")
            root = str(Path(completion.__file__).parents[2])
            env = {
                **os.environ,
                "PATH": f"{desk / 'bin'}:{os.environ['PATH']}",
                "PYTHONPATH": root,
                "HOME": str(desk),
                "TERM": "dumb" if shell == "bash" else "xterm",
                "COLUMNS": "200",
            }
            os.execvpe(shell, [shell, *options], env)
        self.send(START[shell].format(desk=desk) + "; echo rea''dy\r")
        self.wait_for("ready")

    def send(self, keys: str) -> None:
        os.write(self.file, keys.encode())

    def wait_for(self, expected: str) -> None:
        deadline = time.monotonic() + 60
        while expected not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]", "", self.text):
            left = deadline - time.monotonic()
            assert left > 0, f"no {expected!r} in {self.text!r}"
            if select.select([self.file], [], [], left)[0]:
                self.text += os.read(self.file, 4096).decode(errors="replace")

    def complete(self, line: str, expected: str) -> None:
        """Type a line, press TAB, and see what becomes of it."""
        self.text = ""
        self.send(f"{line}\t")
        self.wait_for(expected)
        self.send("\x15")  # forget the line

    def close(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.file)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shell", [pytest.param(one, marks=pytest.mark.tool(one)) for one in ("bash", "zsh")]
)
def test_a_real_shell_completes(shell, desk):
    terminal = Terminal(shell, desk)
    try:
        terminal.complete("vidtag comp", "compare")
        terminal.complete("vidtag cli", "clips/")
        terminal.complete("vidtag holi", "holiday\\ film.mp4")
        terminal.complete("vidtag -f js", "json")
        terminal.complete("vidtag --format=js", "--format=json")
        terminal.complete("vidtag grep 'push u", "'push up'")
        terminal.complete("vidtag grep push\\ u", "push\\ up")
        terminal.complete("vidtag grep 'push up' holi", "holiday\\ film.mp4")
        terminal.complete("vidtag models get demo-", "demo-words")
    finally:
        terminal.close()


@pytest.mark.slow
@pytest.mark.tool("fish")
def test_fish_completes(desk):
    def ask_fish(line: str) -> list[str]:
        script = f"source {desk}/vidtag.fish; complete -C {line!r}"
        env = {
            **os.environ,
            "PATH": f"{desk / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(completion.__file__).parents[2]),
            "HOME": str(desk),
        }
        fish = ["fish", "--no-config", "-c", script]
        done = subprocess.run(fish, cwd=desk / "work", env=env, capture_output=True, text=True)
        return [one.split("\t")[0] for one in done.stdout.splitlines()]

    assert "compare" in ask_fish("vidtag c")
    assert "clips/" in ask_fish("vidtag c")
    assert ask_fish("vidtag -f js") == ["json"]
    assert ask_fish("vidtag --format=js") == ["--format=json"]
    assert ask_fish("vidtag grep 'push u") == ["push up"]
    assert ask_fish("vidtag grep jogging holi") == ["holiday film.mp4"]
    assert ask_fish("vidtag models get demo-") == ["demo-words"]


@pytest.mark.tool("bash")
def test_the_scripts_parse():
    for shell in ("bash", "zsh", "fish"):
        if shutil.which(shell):
            script = Path(shells.__file__).parent / "scripts" / shells._SCRIPTS[shell]
            subprocess.run([shell, "-n", str(script)], check=True)
