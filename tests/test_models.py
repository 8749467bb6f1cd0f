"""Every architecture on both engines, against transformers on the same frames."""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tiny_models import ARCHITECTURES, make_tiny_model, preprocessor_values

from vidtag.models.classifier import Classifier
from vidtag.models.device import cpu_has_bf16
from vidtag.models.labels import read_labels
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.packaged import DEMO_FOLDER

Array = npt.NDArray[Any]

ENGINES = ("torch", "openvino")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("tiny")
    return {name: make_tiny_model(root / name, name) for name in ARCHITECTURES}


@pytest.fixture(
    scope="module", params=[(a, e) for a in ARCHITECTURES for e in ENGINES], ids="-".join
)
def case(request: pytest.FixtureRequest, folders: dict[str, Path]) -> tuple[str, Path, Classifier]:
    architecture, engine = request.param
    folder = folders[architecture]
    options = LoadOptions(model=str(folder), engine=engine, device="cpu", precision="fp32")
    return architecture, folder, load_classifier(options)


def random_clips(classifier: Classifier, count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    info = classifier.info
    shape = (count, info.num_frames, info.image_size, info.image_size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def plain_forward(folder: Path, pixels: Array) -> Array:
    """Run transformers on `(B, T, 3, S, S)` normalised pixels."""
    from transformers import AutoModelForVideoClassification

    model = AutoModelForVideoClassification.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        inputs = {model.main_input_name: torch.from_numpy(pixels.astype(np.float32))}
        logits: Array = model(**inputs).logits.numpy()
        return logits.reshape(len(pixels), -1)  # VideoPrism gives (B, 1, num_labels)


def normalise(architecture: str, clips: npt.NDArray[np.uint8]) -> Array:
    """Do what the preprocessor config says, step by step, in float64."""
    _, values = preprocessor_values(architecture, clips.shape[2])
    pixels = clips * values["rescale_factor"] - (1 if values.get("offset") else 0)
    if values["do_normalize"]:
        pixels = (pixels - np.array(values["image_mean"])) / np.array(values["image_std"])
    return pixels.transpose(0, 1, 4, 2, 3)


@pytest.mark.slow
def test_logits_equal_a_plain_forward_pass(case: tuple[str, Path, Classifier]) -> None:
    architecture, folder, classifier = case
    clips = random_clips(classifier, 3)
    expected = plain_forward(folder, normalise(architecture, clips))
    logits = classifier.logits(clips)
    assert logits.dtype == np.float32
    assert logits.shape == (3, 5)
    assert expected.std() > 0.1, "logits that hardly differ would prove nothing"
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_window_gets_the_same_logits_in_any_batch(case: tuple[str, Path, Classifier]) -> None:
    classifier = case[2]
    clips = random_clips(classifier, 3, seed=1)
    together = classifier.logits(clips)
    alone = np.concatenate([classifier.logits(clips[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
    assert (classifier.logits(clips) == together).all(), "the same input, the same bytes"


def test_info_says_what_was_loaded(case: tuple[str, Path, Classifier]) -> None:
    architecture, folder, classifier = case
    info = classifier.info
    num_frames = {"videomae": 16, "vivit": 32}.get(architecture, 8)
    assert info.model_id == str(folder)
    assert info.revision is not None
    assert info.revision.startswith("sha256:")
    assert (info.num_frames, info.image_size, info.licence) == (num_frames, 32, None)
    window = {"timesformer": Fraction(128, 15), "vivit": Fraction(32, 15)}.get(
        architecture, Fraction(num_frames, 8)
    )
    assert (info.window_seconds, info.stride_seconds) == (window, window / 2)
    assert (info.device, info.precision, info.notes) == ("cpu", "fp32", ())
    assert list(classifier.labels) == [f"action {i}" for i in range(5)]


def pictures(count: int) -> list[npt.NDArray[np.uint8]]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (40, 57, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize("architecture", ["videomae", "timesformer", "vivit"])
def test_pictures_to_logits_equals_the_reference_processor_and_model(
    folders: dict[str, Path], architecture: str
) -> None:
    from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil
    from transformers.models.vivit.image_processing_vivit import VivitImageProcessor

    folder = folders[architecture]
    options = LoadOptions(model=str(folder), engine="openvino", device="cpu", precision="fp32")
    classifier = load_classifier(options)
    frames = pictures(classifier.info.num_frames)
    ours = classifier.logits(np.stack([classifier.prepare(frame) for frame in frames])[None])

    _, values = preprocessor_values(architecture, 32)
    cls = VivitImageProcessor if architecture == "vivit" else VideoMAEImageProcessorPil
    reference = cls(**values)(frames, return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(ours, plain_forward(folder, reference), rtol=0, atol=1e-5)


def test_both_engines_prepare_alike(folders: dict[str, Path]) -> None:
    prepared = []
    for engine in ENGINES:
        options = LoadOptions(model=str(folders["videomae"]), engine=engine, device="cpu")
        prepared.append(load_classifier(options).prepare(pictures(1)[0]).astype(int))
    assert np.abs(prepared[0] - prepared[1]).max() <= 1


@pytest.mark.skipif(not cpu_has_bf16(), reason="this CPU does not compute in bf16")
@pytest.mark.parametrize("engine", ENGINES)
def test_bf16_stays_close_to_fp32(folders: dict[str, Path], engine: str) -> None:
    logits = {}
    for precision in ("fp32", "bf16"):
        options = LoadOptions(
            model=str(folders["videomae"]), engine=engine, device="cpu", precision=precision
        )
        classifier = load_classifier(options)
        assert classifier.info.precision == precision
        logits[precision] = classifier.logits(random_clips(classifier, 4))
    difference = logits["bf16"] - logits["fp32"]
    assert difference.std() < 0.03 * logits["fp32"].std()
    assert difference.any(), "bf16 was asked for, and fp32 computed"


@pytest.mark.parametrize("change", [{"legacy_biases": True}, {"pickle": True}])
def test_old_checkpoints_load_with_nothing_lost(
    folders: dict[str, Path], tmp_path: Path, change: dict[str, bool]
) -> None:
    def logits(folder: Path) -> Array:
        options = LoadOptions(model=str(folder), engine="torch", device="cpu", precision="fp32")
        classifier = load_classifier(options)
        return classifier.logits(random_clips(classifier, 2))

    old = make_tiny_model(tmp_path / "old", **change)  # type: ignore[arg-type]
    assert (logits(old) == logits(folders["videomae"])).all()


def test_labels_are_read_without_weights(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path, num_labels=400)
    (folder / "model.safetensors").unlink()
    assert len(read_labels(str(folder))) == 400


def test_the_position_table_is_transformers_own_to_the_bit() -> None:
    from transformers.models.videomae import modeling_videomae

    from vidtag.models.torch_engine import sinusoid_table

    slow = modeling_videomae.get_sinusoid_encoding_table
    for positions, width in ((64, 48), (100, 30), (1568, 16)):
        assert torch.equal(sinusoid_table(positions, width), slow(positions, width))


def test_the_revision_of_a_folder_is_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def revision(folder: Path) -> str | None:
        options = LoadOptions(model=str(folder), engine="torch", device="cpu")
        return load_classifier(options).info.revision

    first = make_tiny_model(tmp_path / "a")
    same = make_tiny_model(tmp_path / "b")
    other = make_tiny_model(tmp_path / "c", seed=1)
    assert revision(first) == revision(same) != revision(other)
    known = revision(first)
    # Large weights go through the memory of hashes.
    monkeypatch.setattr("vidtag.models.source._REMEMBERED_BYTES", 0)
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path / "cache"))
    os.utime(first / "model.safetensors", (1e9, 1e9))
    assert revision(first) == revision(first) == known
    (tmp_path / "cache" / "scores.sqlite3").write_text("damaged")
    assert revision(first) == known


def test_the_demo_model_is_sound_and_small() -> None:
    logits = []
    for engine in ENGINES:
        options = LoadOptions(model="demo", engine=engine, device="cpu", precision="fp32")
        classifier = load_classifier(options)
        logits.append(classifier.logits(random_clips(classifier, 2)))
        assert (classifier.info.model_id, classifier.info.window_seconds) == ("demo", 2)
        assert [note.code for note in classifier.info.notes] == ["demo_model"]
    np.testing.assert_allclose(logits[0], logits[1], rtol=0, atol=1e-5)
    assert len(set(classifier.labels)) >= 16
    assert sum(path.stat().st_size for path in DEMO_FOLDER.iterdir()) <= 10e6


def test_the_demo_model_says_what_it_knows_under_any_name() -> None:
    for name in (str(DEMO_FOLDER), f"{DEMO_FOLDER}/../demo/"):
        notes = load_classifier(LoadOptions(model=name)).info.notes
        assert [note.code for note in notes] == ["demo_model"]
