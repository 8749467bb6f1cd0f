"""Converted models in the cache: taken only if whole, and made again if not."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import make_tiny_model

from vidtag.cache import contents
from vidtag.errors import ModelLoadError
from vidtag.models import conversions
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions

FACTS = {"model": "x", "torch": "1", "transformers": "1"}
KNOWN = json.dumps(FACTS)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def write(text: str) -> Callable[[Path], None]:
    def write_both(graph: Path) -> None:
        graph.write_text(text)
        graph.with_suffix(".bin").write_text(text)

    return write_both


def keep(text: str = "a model") -> Path:
    path = conversions.keep_converted(FACTS, write(text))
    assert path is not None
    assert path.read_text() == text
    return path


def other_content(place: Path) -> None:
    path = place / "model.bin"
    before = path.stat()
    path.write_text("b model")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def manifest(text: str) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        (place / "manifest.json").write_text(text)

    return change


def pipe(name: str) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        (place / name).unlink()
        os.mkfifo(place / name)

    return change


def folder(place: Path) -> None:
    (place / "model.xml").unlink()
    (place / "model.xml").mkdir()


def file_in_its_place(place: Path) -> None:
    place.rename(place.with_name("away"))
    place.write_text("a file")


def dangling_link(place: Path) -> None:
    place.rename(place.with_name("away"))
    place.symlink_to("nowhere")


@pytest.mark.parametrize(
    "change",
    [
        other_content,
        manifest(""),
        manifest("[]"),
        manifest("[" * 100_000),
        manifest(f'{{"facts": {KNOWN}}}'),
        manifest(f'{{"facts": {KNOWN}, "files": []}}'),
        manifest(f'{{"facts": {KNOWN}, "files": {{"model.xml": [], "model.bin": 3}}}}'),
        pipe("manifest.json"),
        pipe("model.bin"),
        folder,
        file_in_its_place,
        dangling_link,
    ],
)
@pytest.mark.parametrize("is_settled", [False, True])
def test_what_is_not_whole_is_made_again(models, monkeypatch, change, is_settled):
    if is_settled:  # so that hashes are remembered
        monkeypatch.setattr(contents, "SETTLED_NS", -1)
    path = keep()
    assert conversions.find_converted(FACTS) == path
    change(path.parent)
    assert conversions.find_converted(FACTS) is None
    assert keep() == path
    assert conversions.find_converted(FACTS) == path


def test_an_unfinished_folder_that_goes_away_stops_nobody(models, monkeypatch):
    models.mkdir(parents=True)
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter([models / ".unfinished-gone"]))
    assert keep()


def test_several_that_convert_at_once_all_get_a_model(models):
    found: list[Path | None] = []

    def convert(number: int) -> None:
        found.append(conversions.keep_converted(FACTS, write(f"model {number}")))

    threads = [threading.Thread(target=convert, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {conversions.find_converted(FACTS)} != {None}


def test_a_model_that_changes_while_it_is_read_is_refused(tmp_path, models, monkeypatch):
    from vidtag.models import torch_engine

    place = make_tiny_model(tmp_path / "model")
    read = torch_engine._from_pretrained

    def read_and_change(*arguments):
        loaded = read(*arguments)
        with (place / "config.json").open("a") as file:
            file.write("\n")
        return loaded

    monkeypatch.setattr(torch_engine, "_from_pretrained", read_and_change)
    options = LoadOptions(model=str(place), engine="torch", precision="fp32")
    with pytest.raises(ModelLoadError, match="changed while they were read") as caught:
        load_classifier(options)
    assert caught.value.code == "model_changed"
