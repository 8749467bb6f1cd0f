"""Whatever is wrong with a model: one clear line with what to try, and no other noise."""

import json
import os
import pickle
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import make_tiny_model

import vidtag
from vidtag.errors import MODEL_ERROR_CODES, ModelError, ModelLoadError, ModelMismatchError
from vidtag.models.classifier import check_logits
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions


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


def put_prefix(prefix: str, pickled: bool = False) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = folder / "model.safetensors"
        tensors = {prefix + key: value for key, value in load_file(weights).items()}
        weights.unlink()
        if pickled:
            torch.save(tensors, folder / "pytorch_model.bin")
        else:
            save_file(tensors, weights, metadata={"format": "pt"})

    return change


def nest(folder: Path) -> None:
    from safetensors.torch import load_file

    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save({"state_dict": tensors, "epoch": 3}, folder / "pytorch_model.bin")


def change_tensors(
    change_one: Callable[[str, Any], tuple[str, Any]], pickled: bool = False
) -> Callable[[Path], None]:
    """Give each tensor another name and value."""

    def change(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = folder / "model.safetensors"
        tensors = dict(change_one(*item) for item in load_file(weights).items())
        if pickled:
            weights.unlink()
            torch.save(tensors, folder / "pytorch_model.bin")
        else:
            save_file(tensors, weights, metadata={"format": "pt"})

    return change


def quantise(dtype: torch.dtype) -> Callable[[str, Any], tuple[str, Any]]:
    return lambda name, value: (name, value.to(dtype) if "query.weight" in name else value)


def rename(old: str, new: str) -> Callable[[str, Any], tuple[str, Any]]:
    return lambda name, value: (name.replace(old, new), value)


def save_whole(content: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        torch.save(content, folder / "pytorch_model.bin")

    return change


def pretraining(folder: Path) -> None:
    from safetensors.torch import save_model
    from transformers import AutoConfig, VideoMAEForPreTraining

    model = VideoMAEForPreTraining(AutoConfig.from_pretrained(folder))
    save_model(model, str(folder / "model.safetensors"), metadata={"format": "pt"})


def shards_without_metadata(folder: Path) -> None:
    from safetensors import safe_open

    shard = folder / "model-00001-of-00001.safetensors"
    (folder / "model.safetensors").rename(shard)
    with safe_open(shard, "pt") as file:
        names = dict.fromkeys(file.keys(), shard.name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


def turn_into(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / name)

    return change


def index_of(shard: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        index = {"metadata": {}, "weight_map": {"a": shard}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return change


def replace_by(kind: str, name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        if kind == "pipe":
            os.mkfifo(folder / name)
        elif kind == "folder":
            (folder / name).mkdir()
        else:
            (folder / name).symlink_to(kind)

    return change


def change_header(**changes: Any) -> Callable[[Path], None]:
    """Lie in the header of the weights about one tensor."""

    def change(folder: Path) -> None:
        data = (folder / "model.safetensors").read_bytes()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        header["classifier.weight"].update(changes)
        raw = json.dumps(header).encode()
        (folder / "model.safetensors").write_bytes(
            len(raw).to_bytes(8, "little") + raw + data[8 + size :]
        )

    return change


MANY_LABELS = {str(index): f"label {index}" for index in range(70_000)}
DEEP = b"[" * 200_000
LONG_NUMBER = b'{"model_type": "videomae", "num_frames": ' + b"9" * 5000 + b"}"

MISLEADING: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("DataParallel", put_prefix("module."), "mismatched_weights", "begin with 'module.', as Data"),
    ("compiled", put_prefix("_orig_mod."), "mismatched_weights", "'_orig_mod.', as torch.compile"),
    ("both", put_prefix("module._orig_mod."), "mismatched_weights", "DataParallel and torch.comp"),
    ("wrapped", put_prefix("model."), "mismatched_weights", "begin with 'model.'; strip that: "),
    ("PEFT", put_prefix("base_model.model."), "mismatched_weights", "'base_model.model.', as PEFT"),
    ("pickled", put_prefix("module.", pickled=True), "mismatched_weights", "torch.load(f)"),
    ("a whole training", nest, "mismatched_weights", "'state_dict'"),
    (
        "the encoder wrapped",
        change_tensors(rename("videomae.", "module.videomae.")),
        "mismatched_weights",
        "begin with 'module.', as Data",
    ),
    (
        "the encoder renamed",
        change_tensors(rename("videomae.", "backbone.")),
        "mismatched_weights",
        "which may be what it calls backbone.embeddings",
    ),
    (
        "an adapter inside",
        change_tensors(rename("query.weight", "query.base_layer.weight")),
        "mismatched_weights",
        "a PEFT model whose adapter is not merged",
    ),
    ("bitsandbytes", change_tensors(quantise(torch.int8)), "quantised_weights", "(I8 in model."),
    ("fp8", change_tensors(quantise(torch.float8_e4m3fn)), "quantised_weights", "(F8_E4M3 in"),
    (
        "int8 pickle",
        change_tensors(quantise(torch.int8), pickled=True),
        "quantised_weights",
        "(int8 in pytorch_model.bin)",
    ),
    (
        "fp8 pickle",
        change_tensors(quantise(torch.float8_e5m2), pickled=True),
        "quantised_weights",
        "(float8 in pytorch_model.bin)",
    ),
    ("fewer layers", config(num_hidden_layers=1), "mismatched_weights", "15 tensors of its layers"),
    ("three labels", config(id2label=LABELS), "mismatched_weights", "5 scores, and it names 3 la"),
    (
        "another patch",
        config(patch_size=8),
        "mismatched_weights",
        "config.json (their sizes differ)",
    ),
    ("width in quotes", config(hidden_size="32"), "bad_config", "'hidden_size' expected int"),
    ("pre-training", pretraining, "missing_head", "such as --model base."),
    ("a training's entry", save_whole({"net": {}}), "mismatched_weights", "('net'); save that"),
    ("a list", save_whole([1, 2]), "corrupt_weights", "something else than named tensors"),
    ("a module", save_whole(torch.nn.Linear(2, 2)), "corrupt_weights", "else than named tensors"),
    ("no metadata", shards_without_metadata, "corrupt_weights", '`"metadata": {}`'),
    (
        "a pointer for a list",
        lambda folder: (
            turn_into("model-00001-of-00001.safetensors")(folder),
            write("model.safetensors.index.json", LFS_POINTER)(folder),
        ),
        "corrupt_weights",
        "model.safetensors.index.json is a Git LFS pointer",
    ),
    ("ONNX", turn_into("model.onnx"), "missing_weights", "but model.onnx (ONNX)"),
    (
        "exported",
        lambda folder: ((folder / "onnx").mkdir(), turn_into("onnx/model.onnx")(folder)),
        "missing_weights",
        "but onnx/model.onnx (ONNX)",
    ),
    ("OpenVINO", turn_into("openvino_model.bin"), "missing_weights", "(OpenVINO)"),
    ("TensorFlow", turn_into("tf_model.h5"), "missing_weights", "but tf_model.h5 (TensorFlow)"),
    ("Flax", turn_into("flax_model.msgpack"), "missing_weights", "(Flax)"),
    ("GGUF", turn_into("m-q4.gguf"), "missing_weights", "but m-q4.gguf (GGUF)"),
    ("Lightning", turn_into("best.ckpt"), "missing_weights", "but best.ckpt (a PyTorch"),
    ("another name", turn_into("m.safetensors"), "missing_weights", "call it model.safetensors"),
    ("no list", turn_into("model-00001-of-00002.safetensors"), "missing_weights", "without their"),
    ("a shard", missing_shard, "missing_weights", "1 of the 2 files of its weights is missing (mo"),
    ("absolute", index_of("/etc/passwd"), "corrupt_weights", "'/etc/passwd', which is no file ins"),
    ("above", index_of("a/../../b"), "corrupt_weights", "which is no file inside of its folder"),
    ("of Windows", index_of(r"C:\b"), "corrupt_weights", "which is no file inside of its folder"),
    ("a number", index_of(7), "corrupt_weights", "which is no file inside of its folder"),
    (
        "pointer",
        write("model.safetensors", LFS_POINTER),
        "corrupt_weights",
        "(of 346 MB); run `git",
    ),
    ("config pointer", write("config.json", LFS_POINTER), "bad_config", "is a Git LFS pointer"),
    ("page", write("config.json", b"<!DOCTYPE html>"), "bad_config", "is a web page, not the file"),
    ("endless depth", config(num_hidden_layers=10**6), "mismatched_weights", "1,000,000 layers"),
    ("endless width", config(hidden_size=10**6), "mismatched_weights", "parameters, and its weigh"),
    ("too many labels", config(id2label=MANY_LABELS), "mismatched_weights", "do not fit"),
    ("one channel", config(num_channels=1), "unsupported_model", "pictures of 1 channels"),
    ("a deep config", write("config.json", DEEP), "bad_config", "nested too deeply"),
    ("a deep preprocessor", write("preprocessor_config.json", DEEP), "bad_preprocessor", "deeply"),
    ("a long number", write("config.json", LONG_NUMBER), "bad_config", "thousands of digits"),
    ("a pipe", replace_by("pipe", "config.json"), "not_a_model", "no regular file"),
    ("a folder", replace_by("folder", "config.json"), "not_a_model", "no regular file"),
    ("a broken link", replace_by("/nowhere", "config.json"), "not_a_model", "a file that is gone"),
    (
        "weights: pipe",
        replace_by("pipe", "model.safetensors"),
        "missing_weights",
        "no regular file",
    ),
    ("weights: device", replace_by("/dev/zero", "model.safetensors"), "missing_weights", "regular"),
    ("pipe", replace_by("pipe", "preprocessor_config.json"), "bad_preprocessor", "no regular file"),
    ("offsets", change_header(data_offsets=[0, 10**12]), "corrupt_weights", "it was cut off"),
    ("shape", change_header(shape=[10**9, 10**9]), "corrupt_weights", "damaged"),
    ("no config", remove("config.json"), "not_a_model", "copy the one that its weights were saved"),
    (
        "no preprocessor",
        remove("preprocessor_config.json"),
        "missing_preprocessor",
        "https://huggingface.co/MCG-NJU/videomae-base/resolve/main/preprocessor_config.json",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "said"), [case[1:] for case in MISLEADING], ids=[c[0] for c in MISLEADING]
)
def test_what_is_wrong_is_named(
    tmp_path: Path,
    sound: dict[str, bytes],
    capfd: pytest.CaptureFixture[str],
    change: Callable[[Path], object],
    code: str,
    said: str,
) -> None:
    for name, content in sound.items():
        (tmp_path / name).write_bytes(content)
    change(tmp_path)
    with pytest.raises(ModelError) as caught:
        load_classifier(
            LoadOptions(model=str(tmp_path), engine="torch", device="cpu", precision="fp32")
        )
    message = str(caught.value)
    assert caught.value.code == code, message
    assert said in message
    assert message.endswith((".", "?"))
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("pickled", [False, True])
def test_the_command_that_strips_a_prefix_works(
    tmp_path: Path, sound: dict[str, bytes], pickled: bool
) -> None:
    for name, content in sound.items():
        (tmp_path / name).write_bytes(content)
    put_prefix("module.", pickled)(tmp_path)
    options = LoadOptions(model=str(tmp_path), engine="torch", device="cpu", precision="fp32")
    with pytest.raises(ModelError) as caught:
        load_classifier(options)
    command = shlex.split(str(caught.value).partition("strip that: ")[2])
    assert (command[0], command[1]) == (sys.executable, "-c")
    scope = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["-c", *command[3:]])
        exec(command[2], scope)
    assert load_classifier(options).info.num_frames == 16


def test_the_cache_of_the_hub_is_not_to_be_changed(
    tmp_path: Path, sound: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs read it, too; and what lies there whole or not is not downloaded again."""
    folder = tmp_path / "hub" / "models--some--one" / "snapshots" / ("0" * 40)
    folder.mkdir(parents=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    options = LoadOptions(
        model="some/one", revision="0" * 40, engine="torch", device="cpu", precision="fp32"
    )

    def refusal(change: Callable[[Path], object]) -> str:
        for name, content in sound.items():
            (folder / name).write_bytes(content)
        change(folder)
        with pytest.raises(ModelError) as caught:
            load_classifier(options)
        return str(caught.value)

    said = refusal(cut)
    assert f"delete {folder.parents[1]} and run `vidtag models get some/one`." in said
    assert "its owner has to upload" in refusal(write("model.safetensors", LFS_POINTER))
    said = refusal(put_prefix("module."))
    assert f"in a copy, which is then -m ./my-model: cp -rL {folder} my-model && " in said
    assert said.endswith(" my-model/model.safetensors module.")


def test_checkpoints_of_a_training_are_named(tmp_path: Path, sound: dict[str, bytes]) -> None:
    for step in (9, 10, 100):
        checkpoint = tmp_path / "out" / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        for name, content in sound.items():
            (checkpoint / name).write_bytes(content)

    def refusal(model: Path) -> str:
        with pytest.raises(ModelError) as caught:
            load_classifier(LoadOptions(model=str(model), engine="torch", device="cpu"))
        return str(caught.value)

    out = tmp_path / "out"
    said = refusal(out)
    assert f"(checkpoint-9, checkpoint-10, checkpoint-100); the newest one is -m {out}" in said
    assert said.endswith("checkpoint-100.")
    state = {"best_model_checkpoint": "/another/machine/out/checkpoint-10"}
    (out / "checkpoint-100" / "trainer_state.json").write_text(json.dumps(state))
    assert f"the best one by trainer_state.json is -m {out}/checkpoint-10." in refusal(out)
    assert f"did you mean the folder '{out}/checkpoint-10" in refusal(out / "checkpoint-11")
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "only").symlink_to(out / "checkpoint-9")
    said = refusal(tmp_path / "above")
    assert f"one in its subfolder; try -m {tmp_path / 'above' / 'only'}" in said
    # A preprocessor config that lies beside the checkpoints is the one to copy.
    best = out / "checkpoint-10"
    (best / "preprocessor_config.json").rename(out / "preprocessor_config.json")
    assert f"copy {out}/preprocessor_config.json into {best}." in refusal(best)


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("demoo", "'demo'"),
        ("bas", "'base'"),
        ("Base", "'base'"),
        ("videomae-base", "'base' (MCG-NJU/videomae-base-finetuned-kinetics)"),
        ("out/checkpoint-8", "the folder 'out/checkpoint-9'"),
        ("out/chekpoint-9", "the folder 'out/checkpoint-9'"),
        ("https://huggingface.co/some/one/tree/main", "'some/one'"),
        ("hf://some/one", "'some/one'"),
        ("./mymodle", "the folder 'mymodel'"),
        ("mymodle", "the folder 'mymodel'"),
    ],
)
def test_a_misspelt_name_is_asked_about_without_network(
    model: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "out" / "checkpoint-9").mkdir(parents=True)
    (tmp_path / "mymodel").mkdir()
    with pytest.raises(ModelLoadError) as caught:
        load_classifier(LoadOptions(model=model))
    assert caught.value.code == "unknown_model"
    assert str(caught.value).endswith(f"did you mean {meant}?")


def test_a_config_does_not_choose_what_runs_it(tmp_path: Path, sound: dict[str, bytes]) -> None:
    for name, content in sound.items():
        (tmp_path / name).write_bytes(content)
    options = LoadOptions(model=str(tmp_path), engine="torch", device="cpu", precision="fp32")
    clips = np.arange(16 * 32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(1, 16, 32, 32, 3)
    expected = load_classifier(options).logits(clips)
    config(
        attn_implementation="somebody/kernels",
        _attn_implementation="flash_attention_2",
        output_attentions=True,
        return_dict=False,
        torchscript=True,
        per_layer_config={"0": {}},
        pruned_heads={"0": [0]},
        dtype="float16",
    )(tmp_path)
    assert (load_classifier(options).logits(clips) == expected).all()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("std::bad_alloc")])
@pytest.mark.parametrize("engine", ["auto", "openvino"])
def test_too_little_memory_for_a_conversion_is_called_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, engine: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr("vidtag.models.openvino_engine.load_openvino", fail)
    options = LoadOptions(model=str(make_tiny_model(tmp_path, seed=77)), engine=engine)
    if engine == "auto":
        [note] = load_classifier(options).info.notes
        assert (note.code, "too little memory" in note.message) == ("engine_fallback", True)
    else:
        with pytest.raises(ModelLoadError, match="too little memory") as caught:
            load_classifier(options)
        assert caught.value.code == "out_of_memory"


@pytest.mark.slow
def test_a_converted_model_needs_no_torch_and_another_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import vidtag.models.conversions as converted

    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path / "cache"))
    known = LoadOptions(model=str(make_tiny_model(tmp_path / "a")), engine="openvino")
    load_classifier(known)
    real = converted._version
    monkeypatch.setattr(
        converted, "_version", lambda name: real(name) if name == "openvino" else "none"
    )
    for name in ("torch", "transformers", "vidtag.models.torch_engine"):
        monkeypatch.setitem(sys.modules, name, None)
    clips = np.zeros((1, 16, 32, 32, 3), np.uint8)
    assert load_classifier(known).logits(clips).shape == (1, 5)
    for engine in ("openvino", "auto"):
        other = LoadOptions(model=str(make_other(tmp_path)), engine=engine, device="cpu")
        with pytest.raises(ModelLoadError, match="once converted, it runs without") as caught:
            load_classifier(other)
        assert caught.value.code == "missing_package"


def make_other(root: Path) -> Path:
    """Copy the model with another label, so that it is another model."""
    folder = root / "b"
    shutil.copytree(root / "a", folder, dirs_exist_ok=True)
    values = json.loads((folder / "config.json").read_text())
    values["id2label"]["0"] = "another"
    (folder / "config.json").write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize("package", ["transformers", "safetensors"])
def test_a_missing_package_is_not_a_damaged_model(
    tmp_path: Path, sound: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    for name, content in sound.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr("vidtag.models.torch_engine._from_pretrained", fail)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ModelLoadError, match=f"pip install {package}") as caught:
        load_classifier(LoadOptions(model=str(tmp_path), engine="torch", device="cpu"))
    assert caught.value.code == "missing_package"


@pytest.mark.slow
def test_nothing_is_promised_of_a_cache_that_can_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path / "cache"))
    lines: list[str] = []
    load_classifier(LoadOptions(model=str(make_tiny_model(tmp_path / "m"))), lines.append)
    [line] = lines
    assert "later runs convert it again, since the cache" in line
    assert "VIDTAG_CACHE_DIR" in line


@pytest.mark.parametrize(
    ("precision", "advice"), [("fp32", "are damaged"), ("bf16", "try --precision fp32")]
)
def test_precision_is_blamed_only_where_there_is_a_better_one(precision: str, advice: str) -> None:
    info = replace(load_classifier(LoadOptions(model="demo")).info, precision=precision)
    with pytest.raises(ModelMismatchError, match=advice):
        check_logits(np.full((1, 2), np.nan, np.float32), (1, 2), info)


def test_every_code_is_listed_and_every_listed_code_is_used() -> None:
    package = Path(vidtag.__file__).parent
    text = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    calls = r"\b(?:refuse|mismatch|wrong_option|Model\w+Error)\(\s*[\w.()]+,\s*"
    used = set(re.findall(calls + r'"(\w+)"', text))
    used |= set(re.findall(r'PreprocessorError\(\s*"(\w+)"', text))
    used |= {"out_of_memory", "model_failed"}  # chosen by a condition in load_torch
    assert used == set(MODEL_ERROR_CODES)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in MODEL_ERROR_CODES)
