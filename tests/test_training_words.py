"""Video-text models that are trained to tell labels of one's own apart."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from make_video import make_video
from safetensors.torch import load_file
from tiny_models import on_torch
from tiny_word_models import WORD_ARCHITECTURES, make_tiny_word_model
from transformers import AutoModel

from vidtag import LoadOptions, ScoreStore, Settings, Tagger
from vidtag.errors import ModelError, UsageError
from vidtag.formats.truths.truth import LabelledVideo, Truths
from vidtag.models.load import load_classifier, reads_text
from vidtag.training.fine_tuning import FullOptions, train_full
from vidtag.training.head_training import TrainOptions, train_head

pytestmark = pytest.mark.slow

LABELS = ("dark", "light")


@pytest.fixture(scope="module")
def truths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    videos = []
    for label, level in zip(LABELS, (30, 200), strict=True):
        for n in range(4):
            rng = np.random.default_rng([n, level])
            noise = rng.integers(level - 30, level + 30, (48, 64, 3), dtype=np.uint8)
            path = folder / f"{label}{n}.mp4"
            make_video(path, num_frames=25, fps=6, size=(64, 48), draw=lambda _, p=noise: p)
            videos.append(LabelledVideo(path=str(path), label=label))
    return Truths(videos=tuple(videos), labels=LABELS)


@pytest.fixture(scope="module", params=WORD_ARCHITECTURES)
def base(request, tmp_path_factory):
    return make_tiny_word_model(tmp_path_factory.mktemp("base") / request.param, request.param)


def train(truths, folder, base, store=None):
    options = TrainOptions(load=on_torch(base), settings=Settings())
    return train_head(truths, str(folder), options, store=store)


@pytest.fixture(scope="module")
def trained(truths, base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "model"
    result = train(truths, folder, base)
    assert result.outcome.classes == LABELS
    return folder


def test_it_is_an_ordinary_classifier_with_its_own_labels(truths, trained, run):
    said = {}
    for video in truths.videos:
        document = Tagger(on_torch(trained)).tag(video.path)
        said[video.path] = document.tags[0].label
        assert document.model.num_labels == len(LABELS)
    assert said == {video.path: video.label for video in truths.videos}
    assert not reads_text(on_torch(trained))
    code, out, err = run(truths.videos[0].path, "-m", str(trained), "--label", "a dog")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "knows its own labels alone" in err


def test_transformers_and_the_card_give_its_logits(trained):
    """The card's lines, on the model that transformers makes of the folder."""
    ours = load_classifier(on_torch(trained))
    info = ours.info
    shape = (2, info.num_frames, info.image_size, info.image_size, 3)
    clips = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    card = (trained / "README.md").read_text()
    (code,) = [part.split("```")[0] for part in card.split("```python\n")[1:]]
    pixels = (torch.from_numpy(clips).permute(0, 1, 4, 2, 3) / 255 - mean(trained)) / std(trained)
    names = {
        "AutoModel": AutoModel,
        "F": torch.nn.functional,
        "FOLDER": str(trained),
        "clip": pixels,
        "load_file": load_file,
    }
    with torch.no_grad():
        exec(code, names)
    logits = names["logits"].numpy() / info.temperature
    np.testing.assert_allclose(ours.logits(clips), logits, rtol=1e-5, atol=2e-3)


def numbers(folder: Path, key: str) -> torch.Tensor:
    (path,) = folder.glob("*preprocessor_config.json")
    values = json.loads(path.read_text())
    neutral = 0.0 if key == "image_mean" else 1.0
    chosen = values[key] if values.get("do_normalize", True) else [neutral] * 3
    return torch.tensor(chosen).view(3, 1, 1)


def mean(folder: Path) -> torch.Tensor:
    return numbers(folder, "image_mean")


def std(folder: Path) -> torch.Tensor:
    return numbers(folder, "image_std")


def test_openvino_gives_the_same(truths, trained):
    path = truths.videos[0].path
    on_openvino = LoadOptions(model=trained, device="cpu", engine="openvino", precision="fp32")
    there = Tagger(on_openvino).score(path, features=True)
    here = Tagger(on_torch(trained)).score(path, features=True)
    assert there.model.engine == "openvino"
    # Pictures are prepared by another library: one level off at most.
    np.testing.assert_allclose(there.logits, here.logits, rtol=1e-3, atol=0.02)
    np.testing.assert_allclose(there.features, here.features, atol=0.02)


def test_what_was_tagged_with_words_is_not_seen_again(truths, base, tmp_path, monkeypatch):
    with ScoreStore(tmp_path / "store") as store:
        words = LoadOptions(
            model=base, device="cpu", engine="torch", precision="fp32", labels=("a dog", "a cat")
        )
        tagger = Tagger(words, store=store)
        for video in truths.videos:
            tagger.tag(video.path)
        monkeypatch.setattr(
            "vidtag.models.words.classifier.WordClassifier.features",
            lambda *_: pytest.fail("the video tower ran"),
        )
        stored = train(truths, tmp_path / "stored", base, store)
    monkeypatch.undo()
    fresh = train(truths, tmp_path / "fresh", base)
    assert np.array_equal(stored.examples.features, fresh.examples.features)
    name = "model.safetensors"
    assert (tmp_path / "stored" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()


def test_it_can_be_trained_once_more_but_not_whole(truths, trained, base, tmp_path):
    again = train(truths, tmp_path / "again", trained)
    assert again.outcome.classes == LABELS
    assert Tagger(on_torch(tmp_path / "again")).tag(truths.videos[0].path).model.num_labels == 2
    for model in (trained, base):
        with pytest.raises(UsageError, match="--full can't train"):
            train_full(
                truths,
                str(tmp_path / "full"),
                FullOptions(load=on_torch(model), settings=Settings(), epochs=1),
            )


def test_a_lost_last_layer_is_said(trained, tmp_path):
    """What transformers would make up is not taken for what was trained."""
    from shutil import copytree

    from safetensors.torch import save_file

    folder = copytree(trained, tmp_path / "headless")
    tensors = load_file(folder / "model.safetensors")
    del tensors["classifier.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="classifier"):
        load_classifier(on_torch(folder))


def test_its_files_are_for_everybody_who_may_read_the_folder(trained):
    modes = {path.name: path.stat().st_mode & 0o777 for path in (trained, *trained.iterdir())}
    assert {mode & 0o444 for mode in modes.values()} == {0o444}, modes
