"""Video-text models: their parts against transformers, their words, and what these compete with."""

from pathlib import Path

import numpy as np
import pytest
from tiny_models import IMAGENET_MEAN, IMAGENET_STD
from tiny_word_models import WORD_ARCHITECTURES, make_tiny_word_model

from vidtag.errors import ModelLoadError, ModelOptionError
from vidtag.models.labels import read_labels
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.words.background import (
    choose_background,
    directions,
    nearness_limit,
)
from vidtag.models.words.classifier import WordClassifier
from vidtag.models.words.encoding import blend
from vidtag.models.words.engines import OpenVINOTowers
from vidtag.models.words.given import WordsError, check_template, parse_words
from vidtag.models.words.lists import read_vocabulary

pytestmark = pytest.mark.slow  # models are converted

ENGINES = ("torch", "openvino")
WORDS = [f"a person does number {k}" for k in range(37)]
OWN = ["squat", "jumping jacks", "waving"]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("word-models")
    return {name: make_tiny_word_model(root / name, name) for name in WORD_ARCHITECTURES}


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with names of its own, which make a small background."""
    own = {"window_seconds": 2, "stride_seconds": 0.5, "nothing": ["standing still"]}
    return make_tiny_word_model(tmp_path_factory.mktemp("word-model") / "own", labels=OWN, own=own)


def clips_of(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 8, 32, 32, 3), np.uint8)


def load(folder: Path, labels: list[str] | None = None, **wanted) -> WordClassifier:
    options = LoadOptions(
        model=folder,
        labels=None if labels is None else tuple(labels),
        **{"engine": "openvino", "device": "cpu", "precision": "fp32", **wanted},
    )
    classifier = load_classifier(options)
    assert isinstance(classifier, WordClassifier)
    return classifier


def reference(folder: Path, architecture: str, clips: np.ndarray, words: list[str]):
    """Ask transformers: video, text and logits."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pixels = torch.from_numpy(clips).permute(0, 1, 4, 2, 3).float() / 255
    with torch.no_grad():
        if architecture == "xclip":
            mean, std = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
            tokens = tokenizer(words, padding=True, return_tensors="pt")
            out = model(pixel_values=(pixels - mean) / std, **tokens)
            text = model.get_text_features(**tokens).pooler_output
            return out.video_embeds.numpy(), text.numpy(), out.logits_per_video.numpy()
        tokens = tokenizer(
            [f"a video of {word}." for word in words],
            padding="max_length",
            max_length=40,
            return_tensors="pt",
        )
        text = model.get_text_features(**tokens).pooler_output
        video = model.get_video_features(pixel_values_videos=pixels).pooler_output
        video = video.reshape(len(clips), -1)
        return video.numpy(), text.numpy(), (video @ text.T / 0.01).numpy()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("architecture", WORD_ARCHITECTURES)
def test_the_parts_give_what_transformers_gives(folders, architecture, engine):
    folder = folders[architecture]
    video, text, logits = reference(folder, architecture, clips_of(3), WORDS)
    # VideoPrism's cosines are divided by 0.01: as exact as X-CLIP's, whose scale is 14 here.
    atol = 1e-5 if architecture == "xclip" else 5e-5
    for count in (1, 37):
        classifier = load(folder, WORDS[:count], engine=engine, background="none")
        np.testing.assert_allclose(classifier._texts, text[:count], rtol=0, atol=1e-5)
        for batch in (1, 3):
            features = classifier.features(clips_of(3)[:batch])
            assert features.shape == (batch, classifier.info.feature_size)
            seen = features[:, : video.shape[1]]
            np.testing.assert_allclose(seen, video[:batch], rtol=0, atol=1e-5)
            got = classifier.logits(clips_of(3)[:batch])
            np.testing.assert_allclose(got, logits[:batch, :count], rtol=0, atol=atol)
            assert np.ptp(got) > 0.1 or count == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_word_scores_the_same_beside_others(own_folder, engine):
    alone = load(own_folder, ["kicking"], engine=engine, background="none")
    among = load(own_folder, ["waving", "kicking"], engine=engine, background="none")
    assert (alone._texts[0] == among._texts[1]).all()
    np.testing.assert_allclose(
        alone.logits(clips_of(2))[:, 0], among.logits(clips_of(2))[:, 1], rtol=0, atol=1e-5
    )


def test_without_words_it_names_what_its_config_names(own_folder):
    classifier = load(own_folder)
    assert classifier.labels == tuple(OWN) == read_labels(str(own_folder))
    assert classifier.info.words is None
    assert classifier.info.num_background == 0
    assert classifier.logits(clips_of(1)).shape == (1, 3)


def test_without_names_of_its_own_it_names_kinetics(folders):
    assert read_labels(str(folders["xclip"])) == read_vocabulary("kinetics400")
    assert len(set(read_vocabulary("kinetics400"))) == 400


def test_given_words_compete_with_a_background(own_folder):
    classifier = load(own_folder, ["kicking", "squat | squats"])
    info = classifier.info
    assert classifier.labels == ("kicking", "squat")
    assert info.words is not None
    background = info.words.background
    assert background is not None
    assert background.source == "model"
    assert {one.phrase: one.label for one in background.left_out}["squat"] == "squat"
    kept = {*background.phrases} | {one.phrase for one in background.left_out}
    assert kept == {*OWN, "standing still"}
    assert info.num_background == len(background.phrases)
    assert classifier.logits(clips_of(2)).shape == (2, 2 + info.num_background)


def test_without_a_background_words_compete_with_one_another(own_folder):
    info = load(own_folder, ["kicking", "squat"], background="none").info
    assert info.words is not None
    assert info.words.background is None
    assert info.num_background == 0


def test_a_template_takes_the_words_in(own_folder):
    bare = load(own_folder, ["squat"], background="none")
    framed = load(own_folder, ["squat"], background="none", template="a video of {}.")
    assert (bare._texts != framed._texts).any()
    assert framed.info.words is not None
    assert framed.info.words.template == "a video of {}."


def test_the_window_is_the_models_own(folders, own_folder):
    assert (load(folders["xclip"]).info.window_seconds, 4) == (4, 4)
    assert load(folders["xclip"]).info.stride_seconds == 2
    info = load(own_folder).info
    assert (float(info.window_seconds), float(info.stride_seconds)) == (2, 0.5)


def test_a_long_word_is_read_as_far_as_it_goes(own_folder):
    classifier = load(own_folder, ["squats " * 100, "squat"])
    [note] = [one for one in classifier.info.notes if one.code == "label_truncated"]
    assert "602 tokens" in note.message
    assert "40" in note.message


def test_a_word_given_twice_counts_once(own_folder):
    classifier = load(own_folder, ["Squat", "squat ", "kick"])
    assert classifier.labels == ("Squat", "kick")
    assert [one.code for one in classifier.info.notes] == ["label_repeated"]


def test_texts_are_read_once(own_folder, monkeypatch):
    from vidtag.models.words import encoding

    first = load(own_folder, ["lying on the floor"])
    monkeypatch.setattr(encoding, "_tokenizer_of_transformers", None)
    monkeypatch.setattr(encoding, "_load_tokenizer", None)
    again = load(own_folder, ["lying on the floor"])
    assert (first._texts == again._texts).all()
    with pytest.raises(TypeError):
        load(own_folder, ["sitting on the floor"])


@pytest.mark.parametrize("architecture", WORD_ARCHITECTURES)
def test_new_words_need_no_transformers_again(folders, architecture, monkeypatch):
    from transformers import AutoTokenizer

    from vidtag.models.words import encoding

    load(folders[architecture], ["lying on the floor"], background="none")
    monkeypatch.setattr(encoding, "_tokenizer_of_transformers", None)
    read = {}
    text = OpenVINOTowers.text
    monkeypatch.setattr(
        OpenVINOTowers,
        "text",
        lambda self, ids: read.update(ids=ids[0].tolist()) or text(self, ids),
    )
    load(folders[architecture], ["Sitting, on a chair"], background="none", template="{}")
    tokenizer = AutoTokenizer.from_pretrained(folders[architecture])
    assert read["ids"] == tokenizer("Sitting, on a chair")["input_ids"]
    load(folders[architecture], ["chair " * 50], background="none", template="{}")
    whole = tokenizer(("chair " * 50).strip(), truncation=True, max_length=40)["input_ids"]
    assert read["ids"] == whole


def test_a_damaged_text_is_read_again(own_folder):
    import sqlite3

    from vidtag.cache.folder import cache_folder

    first = load(own_folder, ["damage"])
    database = sqlite3.connect(cache_folder() / "texts.sqlite3")
    with database:
        database.execute("UPDATE texts SET vector = zeroblob(length(vector))")
    database.close()
    assert (load(own_folder, ["damage"])._texts == first._texts).all()


@pytest.mark.parametrize(
    ("lines", "labels"),
    [
        (["pouring milk"], ["pouring milk"]),
        (["a\nb\x00c", "\u202eabc\u202c", "  x   y "], ["a b c", "abc", "x y"]),
        (["one | two|one |", "three"], ["one", "three"]),
        (["caf\udce9"], ["caf\ufffd"]),
    ],
)
def test_lines_become_labels(lines, labels):
    words, repeated = parse_words(lines)
    assert [word.label for word in words] == labels
    assert repeated == ()


@pytest.mark.parametrize("lines", [[], [""], ["a", " | "], ["\u200f"]])
def test_lines_that_are_no_labels(lines):
    with pytest.raises(WordsError):
        parse_words(lines)
    with pytest.raises(ModelOptionError) as caught:
        LoadOptions(model="demo", labels=tuple(lines))
    assert caught.value.code == "bad_labels"


@pytest.mark.parametrize("template", ["", "a video", "{} and {}", "{0}"])
def test_templates_that_are_none(template):
    with pytest.raises(WordsError):
        check_template(template)


def test_words_are_refused_by_a_closed_model():
    with pytest.raises(ModelOptionError, match="-m xclip can") as caught:
        load_classifier(LoadOptions(model="base", labels=("squat",)))
    assert caught.value.code == "closed_model"
    for alone in ({"template": "a video of {}."}, {"background": "none"}):
        with pytest.raises(ModelOptionError, match="goes with labels of your own"):
            LoadOptions(model="xclip", **alone)


def test_words_alone_choose_the_model():
    assert LoadOptions(labels=("squat",)).name == "xclip"
    assert LoadOptions().name == "base"


def test_another_models_tokenizer_is_refused(own_folder, tmp_path):
    import json
    import shutil

    folder = Path(shutil.copytree(own_folder, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    config["vidtag"]["nothing"] = ["somebody sleeps"]
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelLoadError) as caught:
        load(folder, ["new words"])
    assert caught.value.code == "bad_tokenizer"


def test_what_means_the_same_as_a_word_is_left_out():
    names = np.eye(4, dtype=np.float32) + np.float32(0.2)
    names[2] += 0.3 * names[1]  # the two actions that are nearest to one another
    names = directions(names).astype(np.float32)
    assert 0.4 < nearness_limit(names) < 0.8
    near = names[0] + 0.01
    background, places = choose_background(
        [("mine", near[None])], ["a", "b", "c", "nothing"], names, num_actions=3, source="model"
    )
    assert background.phrases == ("b", "c", "nothing")
    assert places.tolist() == [1, 2, 3]
    assert [(one.phrase, one.label) for one in background.left_out] == [("a", "mine")]


def test_several_phrasings_are_one_text():
    first, second = np.float32([3, 0]), np.float32([0, 5])
    assert (blend(first[None]) == first).all()
    mean = blend(np.stack([first, second]))
    np.testing.assert_allclose(mean, [4 / 2**0.5, 4 / 2**0.5], rtol=1e-6)
