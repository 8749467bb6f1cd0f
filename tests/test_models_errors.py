"""Whatever is wrong with a model: one clear line with what to try, and no other noise."""

import json
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import make_tiny_model

import vidtag
from vidtag.errors import ModelError, ModelLoadError, ModelMismatchError
from vidtag.models.failures import MODEL_ERROR_CODES
from vidtag.models.load import LoadOptions, load_classifier


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = make_tiny_model(tmp_path_factory.mktemp("sound"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def config(**changes: Any) -> Callable[[Path], None]:
    """Change config.json; `None` leaves a value out."""

    def change(folder: Path) -> None:
        values = {**json.loads((folder / "config.json").read_text()), **changes}
        kept = {key: value for key, value in values.items() if value is not None}
        (folder / "config.json").write_text(json.dumps(kept))

    return change


def write(name: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return change


def remove(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


class Payload:
    """A pickle that would run a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("the payload ran",))


def only_bin(content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(content)

    return change


def drop_tensor(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["videomae.encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def rename_bias(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    key = "videomae.encoder.layer.0.attention.attention.query.bias"
    tensors[key.replace("attention.query.bias", "self.q_bias")] = tensors.pop(key)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def missing_shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))


def adapter_alone(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "x/y"}')
    (folder / "adapter_model.safetensors").write_bytes(b"x")


def processor(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "preprocessor_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "image_processor_type": name}))

    return change


LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 346161616\n"
LABELS = {str(index): f"label {index}" for index in range(3)}

CASES: list[tuple[str, Callable[[Path], None], str]] = [
    ("no config", remove("config.json"), "not_a_model"),
    ("empty folder", remove("config.json", "model.safetensors"), "not_a_model"),
    ("config is no JSON", write("config.json", b"{"), "bad_config"),
    ("config is a list", write("config.json", b"[]"), "bad_config"),
    ("config is no text", write("config.json", b"\xff\xfe\x00"), "bad_config"),
    ("no model type", config(model_type=None), "unsupported_model"),
    ("language model", config(model_type="bert"), "unsupported_model"),
    ("image model", config(model_type="vit"), "unsupported_model"),
    ("remote code", config(model_type="mine", auto_map={"AutoModel": "m.M"}), "remote_code"),
    ("several labels", config(problem_type="multi_label_classification"), "multi_label"),
    ("a regression", config(problem_type="regression"), "regression"),
    ("a regression of one", config(problem_type="regression", id2label={"0": "x"}), "regression"),
    ("one label", config(id2label={"0": "fall"}, label2id=None), "one_label"),
    ("one label by number", config(id2label=None, label2id=None, num_labels=1), "one_label"),
    ("weights of its own name", config(transformers_weights="x.safetensors"), "bad_config"),
    ("type is a list", config(model_type=["videomae"]), "unsupported_model"),
    ("an adapter beside it", write("adapter_config.json", b"{}"), "adapter"),
    ("an adapter's weights", write("adapter_model.safetensors", b"x"), "adapter"),
    ("an adapter's pickle", write("adapter_model.bin", b"x"), "adapter"),
    ("an adapter alone", adapter_alone, "adapter"),
    ("an unknown processor", processor("PixtralImageProcessor"), "bad_preprocessor"),
    ("frames in words", config(num_frames="many"), "bad_config"),
    ("no frames", config(num_frames=0), "bad_config"),
    ("wide pictures", config(image_size=[32, 64]), "bad_config"),
    ("labels with a gap", config(id2label={"0": "a", "2": "b"}), "bad_config"),
    ("width in words", config(hidden_size="wide"), "bad_config"),
    ("impossible heads", config(num_attention_heads=3), "bad_config"),
    ("other labels", config(id2label=LABELS, label2id=None), "mismatched_weights"),
    ("other width", config(hidden_size=64), "mismatched_weights"),
    ("no weights", remove("model.safetensors"), "missing_weights"),
    ("a shard is missing", missing_shard, "missing_weights"),
    ("empty weights", write("model.safetensors", b""), "corrupt_weights"),
    ("cut weights", cut, "corrupt_weights"),
    ("git-lfs pointer", write("model.safetensors", LFS_POINTER), "corrupt_weights"),
    ("web page", write("model.safetensors", b"<html>not found</html>" * 9), "corrupt_weights"),
    ("empty pickle", only_bin(b""), "corrupt_weights"),
    ("cut pickle", only_bin(b"PK\x03\x04 and nothing more"), "corrupt_weights"),
    ("pointer for a pickle", only_bin(LFS_POINTER), "corrupt_weights"),
    ("pickle with a payload", only_bin(pickle.dumps(Payload())), "corrupt_weights"),
    ("a tensor is missing", drop_tensor, "mismatched_weights"),
    ("a bias under another name", rename_bias, "mismatched_weights"),
    ("no preprocessor", remove("preprocessor_config.json"), "missing_preprocessor"),
    ("odd preprocessor", write("preprocessor_config.json", b'{"size": 0}'), "bad_preprocessor"),
    ("larger pictures", config(image_size=64), "size_mismatch"),
]


@pytest.mark.parametrize(("change", "code"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_an_unsound_model_is_refused_in_one_line(
    tmp_path: Path,
    sound: dict[str, bytes],
    capfd: pytest.CaptureFixture[str],
    change: Callable[[Path], None],
    code: str,
) -> None:
    for name, content in sound.items():
        (tmp_path / name).write_bytes(content)
    change(tmp_path)
    options = LoadOptions(model=str(tmp_path), device="cpu", precision="fp32")
    with pytest.raises(ModelError) as caught:
        load_classifier(options)
    message = str(caught.value)
    assert caught.value.code == code, message
    assert caught.value.model_id == str(tmp_path)
    assert str(tmp_path) in message
    assert "\n" not in message
    assert len(message) < 400 + len(str(tmp_path))
    if code in ("multi_label", "regression", "one_label", "size_mismatch"):
        assert isinstance(caught.value, ModelMismatchError)
    else:
        assert isinstance(caught.value, ModelLoadError)
        assert isinstance(caught.value, OSError)
    assert capfd.readouterr() == ("", "")


def test_a_head_that_is_missing_is_named(tmp_path: Path) -> None:
    make_tiny_model(tmp_path, head=False)
    with pytest.raises(ModelLoadError, match=r"classifier head.*fine-tuned") as caught:
        load_classifier(LoadOptions(model=str(tmp_path), engine="torch", device="cpu"))
    assert caught.value.code == "missing_head"


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("./nowhere", "unknown_model"),
        ("/nowhere/at/all", "unknown_model"),
        ("a/b/c", "unknown_model"),
        ("hello world", "unknown_model"),
        ("", "unknown_model"),
        ("~/nowhere", "unknown_model"),
        ("~nobody-of-this-name/x", "unknown_model"),
        ("x" * 5000, "unknown_model"),
        ("nul\0byte", "unknown_model"),
        (r"C:\models", "unknown_model"),
        ("somebody/something", "not_cached"),
        ("something", "not_cached"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(
    model: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelLoadError) as caught:
        load_classifier(LoadOptions(model=model, offline=True))
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "model")
    (folder / "model.safetensors").chmod(0)
    with pytest.raises(ModelLoadError, match=r"can't be read") as caught:
        load_classifier(LoadOptions(model=str(folder)))
    assert caught.value.code == "not_a_model"


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelLoadError, match="folder") as caught:
        load_classifier(LoadOptions(model=str(tmp_path / "model.safetensors")))
    assert caught.value.code == "not_a_model"


def test_a_folder_has_no_revisions(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError) as caught:
        load_classifier(LoadOptions(model=str(make_tiny_model(tmp_path)), revision="main"))
    assert caught.value.code == "unknown_revision"


def test_own_code_beside_a_known_architecture_is_not_run(
    tmp_path: Path, sound: dict[str, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    for name, content in sound.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "mine.py").write_text("raise SystemExit('the code ran')")
    config(auto_map={"AutoModelForVideoClassification": "mine.Model"})(tmp_path)
    options = LoadOptions(model=str(tmp_path), engine="torch", device="cpu", precision="fp32")
    assert load_classifier(options).info.num_frames == 16
    assert capfd.readouterr() == ("", "")


def test_a_torchvision_that_does_not_match_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    def fail(*_: Any, **__: Any) -> Any:
        cause = RuntimeError("operator torchvision::nms does not exist")
        raise ModuleNotFoundError("Could not import module 'VideoMAE…'") from cause

    cls = transformers.AutoModelForVideoClassification
    monkeypatch.setattr(cls, "from_pretrained", fail)
    folder = make_tiny_model(tmp_path)
    with pytest.raises(ModelLoadError, match="torchvision") as caught:
        load_classifier(LoadOptions(model=str(folder), engine="torch", device="cpu"))
    assert caught.value.code == "broken_torchvision"


def test_classes_without_names_are_noted(tmp_path: Path) -> None:
    make_tiny_model(tmp_path, labels=["LABEL_0", "LABEL_1"])
    classifier = load_classifier(LoadOptions(model=str(tmp_path), engine="torch", device="cpu"))
    assert [note.code for note in classifier.info.notes] == ["unnamed_labels"]


def test_half_precision_weights_load_as_what_was_asked_for(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    make_tiny_model(tmp_path)
    weights = tmp_path / "model.safetensors"
    halves = {key: value.to(torch.float16) for key, value in load_file(weights).items()}
    save_file(halves, weights, metadata={"format": "pt"})
    classifier = load_classifier(
        LoadOptions(model=str(tmp_path), engine="torch", device="cpu", precision="fp32")
    )
    (dtype,) = {p.dtype for p in classifier._model.parameters()}  # type: ignore[attr-defined]
    assert dtype == torch.float32


def test_every_code_is_listed_and_every_listed_code_is_used() -> None:
    package = Path(vidtag.__file__).parent
    text = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    calls = r"\b(?:refuse|mismatch|wrong_option|Model\w+Error)\(\s*[\w.()]+,\s*"
    used = set(re.findall(calls + r'"(\w+)"', text))
    used |= set(re.findall(r'PreprocessorError\(\s*"(\w+)"', text))
    used |= {"out_of_memory", "model_failed"}  # chosen by a condition in load_torch
    assert used == set(MODEL_ERROR_CODES)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in MODEL_ERROR_CODES)
