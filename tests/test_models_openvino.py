"""The converted model in the cache: made once, checked, and never in the way of a result."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tiny_models import make_tiny_model

from vidtag.errors import ModelLoadError
from vidtag.models import conversions, load, openvino_engine
from vidtag.models.classifier import Classifier
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def prepared_cache(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the model was converted already."""
    cache = tmp_path_factory.mktemp("converted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDTAG_CACHE_DIR", str(cache))
        load_openvino(folder)
    return cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "cache"
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(place))
    return place


@pytest.fixture
def entry(cache: Path, prepared_cache: Path) -> Path:
    """The one converted model, in a cache of this test's own."""
    shutil.copytree(prepared_cache, cache)
    (entry,) = (cache / "models").iterdir()
    return entry


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    convert = openvino_engine.convert

    def count(*args: Any) -> Any:
        done.append("converted")
        return convert(*args)

    monkeypatch.setattr(openvino_engine, "convert", count)
    return done


def load_openvino(
    folder: Path, tell: Callable[[str], None] | None = None, **options: Any
) -> Classifier:
    wanted = {"engine": "openvino", "precision": "fp32", **options}
    return load_classifier(LoadOptions(model=str(folder), **wanted), tell)


def logits(classifier: Classifier) -> npt.NDArray[np.float32]:
    info = classifier.info
    shape = (2, info.num_frames, info.image_size, info.image_size, 3)
    return classifier.logits(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


@pytest.fixture
def expected(prepared_cache: Path, folder: Path) -> npt.NDArray[np.float32]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDTAG_CACHE_DIR", str(prepared_cache))
        return logits(load_openvino(folder))


@pytest.mark.slow
def test_a_model_is_converted_once(
    cache: Path, entry: Path, folder: Path, made: list[str], expected: Any
) -> None:
    for precision in ("fp32", "auto"):
        logits(load_openvino(folder, precision=precision))
    assert made == []
    size = conversions.measure_converted()
    assert size.num_models == 1
    assert size.num_bytes > (entry / "model.bin").stat().st_size
    conversions.clear_converted()
    assert conversions.measure_converted().num_models == 0
    told: list[str] = []
    for _ in range(2):
        assert (logits(load_openvino(folder, tell=told.append)) == expected).all()
    assert made == ["converted"]
    assert [line.split()[0] for line in told] == ["converting"]


@pytest.mark.slow
def test_the_engine_is_loaded_when_the_first_picture_comes(
    entry: Path, folder: Path, expected: Any
) -> None:
    script = (
        "import sys, threading, numpy as np\n"
        "from vidtag.models.load import load_classifier\n"
        "from vidtag.models.options import LoadOptions\n"
        "c = load_classifier(LoadOptions(model=sys.argv[1], engine='openvino', precision='fp32'))\n"
        "i = c.info, len(c.labels), 'openvino' in sys.modules\n"
        "c.prepare(np.zeros((40, 40, 3), np.uint8))\n"
        "print([t.name for t in threading.enumerate()][1:])\n"
        "shape = (2, 16, 32, 32, 3)\n"
        "clips = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)\n"
        "print(c.logits(clips).tobytes().hex())\n"
        "print(i[1:], [m in sys.modules for m in ('openvino', 'torch', 'transformers')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    loading, logits, modules = done.stdout.splitlines()
    assert loading == "['vidtag-load_0']"
    assert logits == expected.tobytes().hex()
    assert modules == "(5, False) [True, False, False]"


def test_a_late_failure_reaches_the_one_who_awaits(
    entry: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("a driver\nis odd")

    classifier = load_openvino(folder)
    monkeypatch.setattr(openvino_engine, "load_openvino", fail)
    for _ in range(2):
        with pytest.raises(ModelLoadError, match="can't be loaded") as caught:
            logits(classifier)
        assert caught.value.code == "model_failed"
        assert "\n" not in str(caught.value)


def test_a_copy_of_the_folder_is_the_same_model(
    entry: Path, folder: Path, made: list[str], tmp_path: Path
) -> None:
    logits(load_openvino(Path(shutil.copytree(folder, tmp_path / "copy"))))
    assert made == []


@pytest.mark.slow
def test_other_weights_are_another_model(
    cache: Path, entry: Path, made: list[str], tmp_path: Path
) -> None:
    load_openvino(make_tiny_model(tmp_path / "other", seed=7))
    assert made == ["converted"]
    assert conversions.measure_converted().num_models == 2


def cut(entry: Path) -> None:
    weights = entry / "model.bin"
    weights.write_bytes(weights.read_bytes()[:-100])


def flip(entry: Path) -> None:
    weights = bytearray((entry / "model.bin").read_bytes())
    weights[1000] ^= 255
    (entry / "model.bin").write_bytes(weights)


def scribble(entry: Path) -> None:
    (entry / "model.xml").write_text("<net/>")


def remove(entry: Path) -> None:
    (entry / "model.bin").unlink()


def empty_manifest(entry: Path) -> None:
    (entry / "manifest.json").write_text("")


def foreign_manifest(entry: Path) -> None:
    manifest = json.loads((entry / "manifest.json").read_text())
    manifest["facts"]["model"] = "somebody else's"
    (entry / "manifest.json").write_text(json.dumps(manifest))


def whole_but_no_model(entry: Path) -> None:
    (entry / "model.xml").write_text("<net/>")
    manifest = json.loads((entry / "manifest.json").read_text())
    manifest["files"]["model.xml"] = conversions._note(entry / "model.xml")
    (entry / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [cut, flip, scribble, remove, empty_manifest, foreign_manifest, whole_but_no_model]
)
def test_a_broken_entry_is_rebuilt(
    entry: Path,
    folder: Path,
    made: list[str],
    expected: Any,
    damage: Callable[[Path], None],
) -> None:
    damage(entry)
    assert (logits(load_openvino(folder)) == expected).all()
    assert made == ["converted"]
    logits(load_openvino(folder))
    assert made == ["converted"], "the new entry is found"
    assert [path.name for path in entry.parent.iterdir()] == [entry.name], "nothing is left behind"


def test_a_touched_entry_is_still_whole(entry: Path, folder: Path, made: list[str]) -> None:
    (entry / "model.bin").touch()
    logits(load_openvino(folder))
    assert made == []


@pytest.mark.slow
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("full")])
def test_a_full_disk_costs_speed_alone(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, expected: Any, error: Exception
) -> None:
    save_model = openvino_engine.openvino.save_model
    disk_is_full = False

    def save_until_full(model: Any, place: str, **options: Any) -> None:
        if disk_is_full or Path(place).is_relative_to(cache):
            Path(place).write_text("the beginning of")
            raise error
        save_model(model, place, **options)

    monkeypatch.setattr(openvino_engine.openvino, "save_model", save_until_full)
    assert (logits(load_openvino(folder)) == expected).all()
    assert list((cache / "models").iterdir()) == []
    disk_is_full = True
    np.testing.assert_allclose(logits(load_openvino(folder)), expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_cache_that_cannot_be_made_costs_speed_alone(
    cache: Path, folder: Path, expected: Any
) -> None:
    cache.write_text("a file where the folder should be")
    assert (logits(load_openvino(folder)) == expected).all()


@pytest.mark.slow
def test_what_a_killed_process_left_is_removed_after_a_day(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, age in (("old", 90_000), ("new", 60)):
        left = cache / "models" / f".unfinished-{name}"
        left.mkdir(parents=True)
        os.utime(left, (time.time() - age,) * 2)
    load_openvino(folder)
    assert [path.name for path in (cache / "models").glob(".*")] == [".unfinished-new"]


@pytest.mark.slow
def test_a_precision_that_openvino_lacks_is_no_silent_fp32(
    entry: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"fp32": openvino_engine.openvino.Type.f64}
    monkeypatch.setattr(openvino_engine, "_PRECISIONS", wrong)
    monkeypatch.setattr(
        openvino_engine.openvino.Core, "compile_model", lambda *_: FakeCompiled(), raising=True
    )
    with pytest.raises(ModelLoadError, match="does not compute in fp32"):
        logits(load_openvino(folder))


class FakeCompiled:
    """What OpenVINO gives where it passes over the hint."""

    def get_property(self, name: str) -> Any:
        return openvino_engine.openvino.Type.f32


def test_of_two_processes_that_convert_at_once_the_first_one_stays(cache: Path) -> None:
    facts = {"model": "x", "torch": "1", "transformers": "1"}

    def write(text: str) -> Callable[[Path], None]:
        def write_both(graph: Path) -> None:
            if text == "second":  # meanwhile the other one has finished
                conversions.keep_converted(facts, write("first"))
            graph.write_text(text)
            graph.with_suffix(".bin").write_text(text)

        return write_both

    path = conversions.keep_converted(facts, write("second"))
    assert path is not None
    assert path.read_text() == "first"
    assert len(list((cache / "models").iterdir())) == 1


def test_what_openvino_cannot_run_runs_on_torch_with_a_note(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, expected: Any
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("no rule for aten::odd\nand much more")

    monkeypatch.setattr(openvino_engine, "convert", fail)
    classifier = load_openvino(folder, engine="auto", device="cpu")
    assert classifier.info.engine == "torch"
    (note,) = classifier.info.notes
    assert note.code == "engine_fallback"
    assert note.code in load.MODEL_WARNING_CODES
    assert "aten::odd" in note.message
    assert "\n" not in note.message
    np.testing.assert_allclose(logits(classifier), expected, rtol=0, atol=1e-5)

    with pytest.raises(ModelLoadError, match="try --engine torch") as caught:
        load_openvino(folder)
    assert caught.value.code == "model_failed"


def test_an_unsound_model_is_no_reason_to_fall_back(cache: Path, tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "headless", head=False)
    with pytest.raises(ModelLoadError) as caught:
        load_openvino(folder, engine="auto", device="cpu")
    assert caught.value.code == "missing_head"


def test_a_failure_while_running_is_one_line(entry: Path, folder: Path) -> None:
    classifier = load_openvino(folder)
    with pytest.raises(ModelLoadError, match="OpenVINO failed") as caught:
        classifier.logits(np.zeros((1, 3, 8, 8, 3), np.uint8))
    assert caught.value.code == "model_failed"
    assert "\n" not in str(caught.value)
