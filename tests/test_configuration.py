"""Defaults of the user's own: the file, the environment, and what is wrong with them."""

import json

import pytest
import typer
from make_video import make_video

from vidtag.cli.app import app
from vidtag.cli.configuration import _defaults, read_settings


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return str(make_video(tmp_path_factory.mktemp("configured") / "clip.mp4", num_frames=60))


@pytest.fixture
def configure(tmp_path, monkeypatch):
    """Write a configuration, and let this process see it."""
    path = tmp_path / "config.toml"

    def write(text: str | bytes) -> str:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.setenv("VIDTAG_CONFIG", str(path))
        return str(path)

    return write


def in_force(run) -> dict[str, tuple[object, str]]:
    """By option: its value, and where that comes from."""
    found = {}
    for row in json.loads(run("config", "--json")[1])["options"]:
        name = f"{row['command']}: {row['option']}" if row["command"] else row["option"]
        found[name] = row["value"], row["origin"]
    return found


@pytest.mark.slow
def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    run, clip, configure, monkeypatch
):
    configure('model = "demo"\nformat = "json"\ntop-k = 2\nmin_score = 0.25\n')
    document = json.loads(run(clip)[1])
    assert document["model"]["id"] == "demo"
    assert document["settings"]["top_k"] == 2
    assert document["settings"]["min_score"] == 0.25
    monkeypatch.setenv("VIDTAG_TOP_K", "3")
    assert json.loads(run(clip)[1])["settings"]["top_k"] == 3
    assert json.loads(run(clip, "-k", "4")[1])["settings"]["top_k"] == 4


def test_it_is_shown_what_is_in_force_and_whence(run, configure, monkeypatch):
    path = configure(
        'model = "demo"\nlabel = ["a", "b"]\nrecursive = true\n[grep]\nmin-score = 0.9\n'
    )
    monkeypatch.setenv("VIDTAG_DEVICE", "cpu")
    monkeypatch.setenv("VIDTAG_RECURSIVE", "0")
    found = in_force(run)
    assert found["model"] == ("demo", f"'{path}'")
    assert found["label"] == (["a", "b"], f"'{path}'")
    assert found["device"] == ("cpu", "the variable VIDTAG_DEVICE")
    assert found["recursive"] == (False, "the variable VIDTAG_RECURSIVE")
    assert found["grep: min-score"] == ("0.9", f"'{path}'")
    assert found["min-score"] == (0.3, "default")
    assert found["engine"] == ("auto", "default")
    code, out, err = run("config")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == path
    assert ["model", "demo", f"'{path}'"] in [line.split() for line in out.splitlines()]
    assert run("config", "--path")[1] == f"{path}\n"


def test_without_a_file_all_is_as_it_comes(run, tmp_path, monkeypatch):
    monkeypatch.delenv("VIDTAG_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    code, out, err = run("config")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].endswith("config.toml (not there)")
    assert {origin for _, origin in in_force(run).values()} == {"default"}


@pytest.mark.slow
def test_a_table_is_for_its_command_alone(run, clip, configure, monkeypatch):
    configure('model = "demo"\n[grep]\nmin-score = 1.0\n[show]\nquiet = true\n')
    assert run("grep", ".", clip)[0] == 1
    assert json.loads(run(clip, "--json")[1])["settings"]["min_score"] == 0.3
    monkeypatch.setenv("VIDTAG_MIN_SCORE", "0.01")  # wins over the file's table, too
    assert run("grep", ".", clip)[0] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('modell = "small"', "there is no option 'modell'; did you mean 'model'?"),
        ("zzz = 1", "there is no option 'zzz'; vidtag --help lists every option."),
        ("[grepp]\nmin-score = 1", "there is no command 'grepp'; did you mean 'grep'?"),
        ("[grep]\nmin-scor = 1", "no option 'min-scor' of grep; did you mean 'min-score'?"),
        ("[models.gett]\nquiet = true", "there is no command '[models gett]'; did you mean"),
        ("help = true", "there is no option 'help'"),
        ('top-k = "many"', "(top-k is set by '{path}')"),
        ("top-k = 0", "(top-k is set by '{path}')"),
        ("top-k = [1]", "top-k is [1]; it must be a text or a number."),
        ("top-k = true", "top-k is True; it must be a text or a number."),
        ('recursive = "yes"', "recursive is 'yes'; it must be true or false."),
        ("label = [[1]]", "label is [[1]]; it must be a list of texts."),
        ("min-score = 7", "(min-score is set by '{path}')"),
        ('stride = "x"', "(stride is set by '{path}')"),
        ('engine = "abacus"', "(engine is set by '{path}')"),
        ("x = \n", "is no TOML: Invalid value (at line 1, column 5)."),
        ("a = 1\na = 2", "is no TOML: "),
        (b"\xff\xfe", "is no UTF-8 text."),
    ],
)
def test_each_kind_of_mistake_is_one_line(run, clip, configure, text, said):
    path = configure(text)
    code, out, err = run(clip, "-m", "demo")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert said.format(path=path) in err
    assert path in err
    # Help is there all the same.
    assert run("--help")[0] == 0


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_can_not_be_read_is_one_line(run, clip, tmp_path, monkeypatch, name):
    monkeypatch.setenv("VIDTAG_CONFIG", str(tmp_path / name))
    code, _, err = run(clip)
    assert (code, err.count("\n")) == (2, 1)
    assert "Can't read the configuration" in err


def test_a_variable_that_is_neither_true_nor_false_is_one_line(run, clip, monkeypatch):
    monkeypatch.setenv("VIDTAG_RECURSIVE", "maybe")
    code, _, err = run(clip)
    assert (code, err.count("\n")) == (2, 1)
    assert "The variable VIDTAG_RECURSIVE is 'maybe'; it must be true or false." in err


def test_an_option_of_the_same_name_that_takes_something_else_is_left_alone(configure):
    configure('label = ["a", "b"]')
    group = typer.main.get_command(app)
    made = _defaults(group, list(read_settings(group)), "")
    assert made["tag"]["labels"] == ["a", "b"]
    assert "label" not in made["explain"]
