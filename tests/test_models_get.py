"""`vidtag models get`: says what a model is and costs, has it ready, and fails in one line."""

import errno
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hub_stand_in import COMMIT, Hub, point_to, serve_hub
from test_hub import environment
from tiny_models import make_tiny_model

from vidtag.cli import app
from vidtag.models import hub as hub_module

BASE = "MCG-NJU/videomae-base-finetuned-kinetics"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("get") / "model")


@pytest.fixture(scope="module")
def hub(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    root = tmp_path_factory.mktemp("repositories")
    plain = shutil.copytree(folder, root / "plain")
    (plain / "preprocessor_config.json").unlink()
    onnx = shutil.copytree(folder, root / "onnx")
    (onnx / "model.safetensors").rename(onnx / "model.onnx")
    shards = shutil.copytree(folder, root / "shards")
    (shards / "model.safetensors").unlink()
    (shards / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../secret"}}')
    models = {BASE: folder, "some/slow": folder, "some/plain": plain, "some/onnx": onnx,
              "some/shards": shards}  # fmt: skip
    with serve_hub(models) as hub:
        hub.licences["some/slow"] = "apache-2.0"
        yield hub


@pytest.fixture
def cache(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point huggingface_hub, in this process, to the stand-in and to an empty cache."""
    return point_to(hub.endpoint, tmp_path, monkeypatch)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vidtag", "models", *arguments])
        code = app.run()
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.slow
def test_a_model_is_announced_downloaded_converted_and_ready(
    run: Run, cache: Path, hub: Hub
) -> None:
    code, out, err = run("get", "base")
    assert code == 0, err
    snapshot = cache / f"models--{BASE.replace('/', '--')}" / "snapshots" / COMMIT
    assert out == f"{snapshot}\n"
    first, second, third = err.splitlines()
    assert first.startswith(f"vidtag: downloading base ({BASE}): ")
    assert first.endswith("kB, licence cc-by-nc-4.0 (for non-commercial use)")
    assert second.endswith("converting base for this computer, about 5 s; later runs start at once")
    assert third == "vidtag: base is ready, on cpu with openvino: vidtag VIDEO -m base"

    hub.requests.clear()
    code, out, err = run("get", "base", "--offline")
    assert (code, out, hub.requests) == (0, f"{snapshot}\n", [])
    assert "base is there already" in err
    assert "converting" not in err
    assert run("get", "base", "-q") == (0, f"{snapshot}\n", "")


@pytest.mark.slow
def test_a_folder_is_converted_and_demo_is_there(run: Run, cache: Path, folder: Path) -> None:
    code, out, err = run("get", str(folder))
    assert (code, out) == (0, f"{folder}\n")
    assert "there already, as a folder: " in err
    assert "converting" in err
    code, _, err = run("get", "demo")
    assert code == 0
    assert "nothing to download" in err
    assert "knows drawn figures only" in err
    assert not cache.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["base", "--offline"], 1, "run `vidtag models get base` once while online"),
        ([f"{BASE}s", "--offline"], 1, f"did you mean 'base' ({BASE})? Otherwise run"),
        (["base", "--revision", "v9"], 1, "no revision 'v9'"),
        (["some/unknown"], 1, "the hub has no such model"),
        (["bas"], 1, "did you mean 'base'?"),
        (["./nowhere"], 1, "there is no such folder"),
        (["some/plain"], 1, "https://huggingface.co/MCG-NJU/videomae-base/resolve/main/"),
        (["some/onnx"], 1, "but model.onnx (ONNX)"),
        (["some/shards"], 1, "no file inside of its folder"),
        ([], 2, "NAME"),
    ],
)
def test_what_can_not_be_had_is_one_line(
    run: Run, cache: Path, hub: Hub, arguments: list[str], code: int, said: str
) -> None:
    hub.requests.clear()
    got, out, err = run("get", *arguments)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1, err
    assert said in err
    assert not any("secret" in request for request in hub.requests)


def test_a_disk_that_is_too_small_is_named_before_the_download(
    run: Run, cache: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(free=1000)
    monkeypatch.setattr(hub_module.shutil, "disk_usage", lambda _: usage)
    hub.requests.clear()
    code, _, err = run("get", "base")
    assert code == 1
    assert f"{cache} has room for 1 kB" in err
    assert not any("storage" in request for request in hub.requests)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "can't be written"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory"), "can't be written"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "can't be written"),
        (OSError(errno.EIO, "Input/output error"), "broke off"),
    ],
)
def test_a_disk_that_takes_no_more_is_named(
    run: Run, cache: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("huggingface_hub.HfApi.hf_hub_download", fail)
    code, out, err = run("get", "base")
    assert (code, out) == (1, "")
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_part_of_a_model_in_the_cache_is_called_that(run: Run, cache: Path, hub: Hub) -> None:
    assert run("get", "base")[0] == 0
    snapshot = next((cache / f"models--{BASE.replace('/', '--')}" / "snapshots").iterdir())
    (snapshot / "preprocessor_config.json").unlink()
    code, _, err = run("get", "base", "--offline")
    assert code == 1
    assert "the cache has only a part of it (there is no preprocessor_config.json)" in err
    assert run("get", "base")[0] == 0, "only the rest of it is downloaded"


def test_the_list_is_what_it_was(run: Run) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.startswith("alias ")
    code, out, err = run("list")
    assert (code, out, err) == (2, "", "vidtag: No such command 'list'.\n")
    assert run("--json", "get", "demo")[0] == 2


@pytest.mark.slow
def test_ctrl_c_ends_a_download_and_the_next_one_works(
    run: Run, cache: Path, hub: Hub, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "vidtag", "models", "get", "some/slow"]
    env = environment(tmp_path, hub.endpoint)
    hub.slow.add("some/slow")
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    assert hub.is_halfway.wait(120)
    hub.slow.discard("some/slow")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[0].endswith(", licence apache-2.0")
    assert "the same command goes on" in err.splitlines()[1]
    assert "Traceback" not in err
    code, _, err = run("get", "some/slow")
    assert code == 0, err
