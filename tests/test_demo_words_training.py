"""The model for own words that ships with vidtag, and the grammar that it was trained with."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vidtag import Tagger

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "sample_videos"
MODEL = ROOT / "vidtag" / "models" / "demo_words"
sys.path.insert(0, str(SCRIPTS))

from figures import dataset, samples  # noqa: E402 - the scripts are no installed package
from figures.actions import CLASSES, EMPTY, LABELS, STANDING, UNSEEN  # noqa: E402
from figures.words import batches, captions, clips, other_phrases, phrases, tokens  # noqa: E402

HELD_OUT = [text for wording in phrases.WORDINGS.values() for text in wording.held_out]
DESCRIPTIONS = [text for texts in other_phrases.UNSEEN_WORDINGS.values() for text in texts[1:]]


def known_words() -> set[str]:
    return set(" ".join(captions.vocabulary()).split())


def every_statement():
    """Return all that a caption can say, before somebody, clothes or a place are added."""
    for entry in captions.ENTRIES:
        for phrase in entry.phrases:
            for form in ("ing", "s"):
                text = captions.inflect(phrase, form)
                yield text
                yield from (f"{text} {detail}" for detail in entry.details)
    for phrase in batches.ALL_GROUPS:
        yield from (captions.inflect(phrase, form) for form in ("ing", "s"))


def test_every_action_has_its_wordings() -> None:
    assert tuple(phrases.WORDINGS) == LABELS
    assert len(captions.ENTRIES) == clips.CYCLE == len(LABELS) + 2
    assert CLASSES[: clips.CYCLE] == (*LABELS, STANDING, EMPTY)
    for label, wording in phrases.WORDINGS.items():
        assert wording.phrases[0] == label
        assert len(set(wording.phrases)) == len(wording.phrases) >= 6
        assert len(wording.held_out) == 3
        assert captions.asked_phrases(label)[0] == label


def test_no_sentence_is_held_out_twice_or_asked_of_two_actions() -> None:
    asked = [text for label in LABELS for text in captions.asked_phrases(label)]
    assert len(set(HELD_OUT)) == len(HELD_OUT) == 66
    assert len({*asked, *HELD_OUT, *DESCRIPTIONS}) == len(asked) + len(HELD_OUT) + len(DESCRIPTIONS)


@pytest.mark.parametrize("sentence", [*HELD_OUT, *DESCRIPTIONS])
def test_held_out_sentences_are_made_of_words_that_captions_hold(sentence: str) -> None:
    assert set(sentence.split()) <= known_words()


def test_the_grammar_says_no_held_out_sentence() -> None:
    rng = np.random.default_rng(0)
    clashes = {text for text in every_statement() if captions.is_held_out(text)}
    # A few phrases would become one with a detail: they are drawn again.
    assert len(clashes) <= 6
    for text in clashes:
        for entry in captions.ENTRIES:
            for phrase in entry.phrases:
                stem = captions.inflect(phrase, "ing")
                if text.startswith(stem) and text != stem:
                    made = {captions.sentence(rng, entry) for _ in range(300)}
                    assert not any(text in caption for caption in made)
    assert not any(captions.is_held_out(text) for text in captions.vocabulary())


@pytest.mark.parametrize("step", range(3))
def test_no_batch_holds_a_held_out_sentence_or_an_unseen_name(step: int) -> None:
    rng = np.random.default_rng(step)
    shares = np.eye(clips.CYCLE, dtype=np.float32)
    settings = np.tile(np.float32([1, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 1, 0]), (len(shares), 1))
    said = batches._say(rng, shares, settings)
    assert len(said.texts) == len(said.truth) == len(said.asked) == 72
    for text in said.texts:
        assert not captions.is_held_out(text)
        assert not set(text.split()) & set(UNSEEN)
        assert set(text.split()) <= known_words() | {"an"}
    assert np.stack(said.truth).max() <= 1


def test_unseen_names_are_in_no_caption() -> None:
    assert not known_words() & set(UNSEEN)
    assert set(UNSEEN) == set(other_phrases.UNSEEN_WORDINGS)
    assert not set(UNSEEN) & set(LABELS)


def test_common_words_are_spread_over_actions() -> None:
    said = {
        label: set(" ".join((*wording.phrases, *wording.details)).replace("*", "").split())
        for label, wording in phrases.WORDINGS.items()
    }
    for word in ("floor", "hands", "both", "arms", "up", "down", "legs", "feet", "and", "one"):
        assert sum(word in words for words in said.values()) >= 5, word


def test_groups_and_places_are_known() -> None:
    for members in batches.ALL_GROUPS.values():
        assert set(members) <= set(CLASSES[: clips.CYCLE])
    assert set(other_phrases.PLACES) < set(batches.DRAWN_PLACES)


@pytest.mark.parametrize(
    ("phrase", "doing", "does"),
    [
        ("*do squats", "doing squats", "does squats"),
        ("*bend down and *run", "bending down and running", "bends down and runs"),
        ("*box", "boxing", "boxes"),
        ("*step and *squat", "stepping and squatting", "steps and squats"),
        ("*lie here", "lying here", "lies here"),
        ("*rise", "rising", "rises"),
        ("tai chi", "tai chi", "tai chi"),
    ],
)
def test_verbs_are_inflected(phrase: str, doing: str, does: str) -> None:
    assert captions.inflect(phrase, "ing") == doing
    assert captions.inflect(phrase, "s") == does


def test_clothes_are_told_by_their_colours() -> None:
    setting = np.float32([1, 0.9, 0.1, 0.1, 0.1, 0.1, 0.9, 1, 0])
    assert batches.wears(setting, "in a red shirt")
    assert not batches.wears(setting, "in a blue shirt")
    assert batches.wears(setting, "with blue trousers")
    assert batches.wears(setting, "in shorts")
    assert not batches.wears(setting, "in long trousers")
    assert batches.wears(setting, "with short hair")


def test_an_empty_place_has_no_joints_and_a_standing_figure_hardly_moves() -> None:
    rng = dataset.split_rng("a look", 0)
    empty = dataset.make_single(rng, EMPTY)
    assert (empty.joints == dataset.OUT_OF_SIGHT).all()
    targets = batches.joint_targets(empty.joints[None])
    assert not targets.visible.any()
    assert not targets.patches.any()
    still = dataset.make_single(dataset.split_rng("a look", 1), STANDING)
    assert batches.joint_targets(still.joints[None]).visible.all()
    moves = still.joints - still.joints.mean(1, keepdims=True)
    assert np.ptp(moves, axis=0).max() < 6


def test_a_mirrored_empty_place_is_still_empty() -> None:
    joints = np.full((1, 13, 2), dataset.OUT_OF_SIGHT, np.float32)
    clip, out = np.zeros((1, 96, 96, 3), np.uint8), np.empty((1, 3, 96, 96), np.uint8)
    for seed in range(8):
        moved = joints.copy()
        batches.vary(np.random.default_rng(seed), clip, moved, out)
        assert not batches.joint_targets(moved[None]).visible.any()


def test_training_clips_take_turns() -> None:
    labels = [clips.make_training_example(index, 0).labels[0] for index in (0, 1, 22, 23, 24)]
    assert labels == [0, 1, CLASSES.index(STANDING), CLASSES.index(EMPTY), 0]
    shared = clips.make_training_example(25, 0)
    assert (shared.frames == dataset.make_training_example(23, 0).frames).all()
    unseen = [clips.make_unseen_example(index, 0).labels[0] for index in range(2)]
    assert [CLASSES[index] for index in unseen] == list(UNSEEN)


@pytest.mark.slow
def test_the_end_is_the_last_token() -> None:
    tokenizer = tokens.build_tokenizer()
    ids, mask = tokens.encode(tokenizer, ["squatting", "somebody does a high kick in a park"])
    assert ids.max() == len(tokenizer) - 1
    assert (ids[:, 0] == len(tokenizer) - 2).all()
    assert ids.shape == mask.shape
    assert (
        tokenizer.decode(ids[1], skip_special_tokens=True) == "somebody does a high kick in a park"
    )


@pytest.mark.slow
def test_the_tokenizer_is_always_the_same() -> None:
    assert tokens.learn_merges(["an an", "ant bee"]) == [
        ("a", "n</w>"),
        ("a", "n"),
        ("an", "t</w>"),
        ("b", "e"),
        ("be", "e</w>"),
    ]
    tokenizer = tokens.build_tokenizer()
    for word in known_words():
        assert tokenizer(word)["input_ids"][1:-1] == [tokenizer.vocab[f"{word}</w>"]]


# --- the shipped folder


@pytest.fixture(scope="module")
def model():
    from figures.words.evaluation import WordModel

    return WordModel.load(MODEL)


def test_the_model_is_complete_and_small(model) -> None:
    assert sum(weight.numel() for weight in model.network.parameters()) <= 6_000_000
    assert (MODEL / "model.safetensors").stat().st_size <= 12_000_000
    config = model.network.config
    assert config.id2label == dict(enumerate(LABELS))
    assert config.vision_config.num_frames == 16
    assert config.text_config.eos_token_id == config.text_config.vocab_size - 1
    written = json.loads((MODEL / "preprocessor_config.json").read_text(encoding="utf-8"))
    assert written == dataset.PROCESSOR


def test_the_tokenizer_knows_each_word_of_the_captions(model) -> None:
    tokenizer, end = model.tokenizer, len(model.tokenizer) - 1
    for word in known_words():
        assert tokenizer(word)["input_ids"][1:-1] == [tokenizer.vocab[f"{word}</w>"]]
    ids = tokenizer("Zebra's Ärger, 3 for 4!")["input_ids"]
    assert ids[-1] == max(ids) == end
    assert tokenizer.model_max_length == model.network.config.text_config.max_position_embeddings


def test_the_parts_give_what_the_library_gives(model) -> None:
    from figures.batches import normalise

    pixels = np.random.default_rng(0).integers(0, 255, (2, 16, 96, 96, 3), np.uint8)
    texts = ["squatting", "somebody does a high kick"]
    ids, mask = tokens.encode(model.tokenizer, texts)
    with torch.no_grad():
        whole = model.network(input_ids=ids, attention_mask=mask, pixel_values=normalise(pixels))
    assert np.allclose(model.ask(pixels, texts), whole.logits_per_video, atol=1e-4)


@pytest.mark.slow
def test_the_model_finds_the_words_for_unseen_clips(model) -> None:
    from figures.words.asking import HELD_OUT_SETS, TRAINED_SETS, share_right

    # A split of its own: neither trained on nor part of the test set.
    examples = [
        dataset.make_single(dataset.split_rng("quick look", index), LABELS[index % len(LABELS)])
        for index in range(66)
    ]
    truth = np.array([example.labels[0] for example in examples])
    frames = [example.frames for example in examples]
    logits = model.ask(frames, [*TRAINED_SETS[1], *HELD_OUT_SETS[0]])
    for part in np.split(logits, 2, axis=1):
        assert share_right(part, truth) >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.name)
def test_the_timeline_of_a_sample_is_right(model, sample: samples.SampleVideo) -> None:
    from figures.evaluation import right_seconds
    from figures.words.evaluation import WordClassifier

    steps = list(Tagger(WordClassifier(model, LABELS)).steps(SCRIPTS / sample.name))
    truth = [
        (part["start_seconds"], part["end_seconds"], LABELS.index(part["label"]))
        for part in sample.segments()
    ]
    assert right_seconds(steps, truth) >= 0.8 * float(steps[-1].end_seconds)


@pytest.mark.slow
def test_the_command_runs_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import make_demo_words
    import typer
    from figures.batches import Recipe
    from figures.words import training
    from typer.testing import CliRunner

    def small(recipe: Callable[[int, int], Recipe]) -> Callable[[int, int], Recipe]:
        return lambda steps, seed: dataclasses.replace(recipe(steps, seed), batch_size=2)

    fewer = dataclasses.replace(
        make_demo_words.QUICK, training_clips=48, test_clips=22, clip_steps=2
    )
    # Most of a step's time, in the library's own arithmetic: it matters to who learns alone.
    monkeypatch.setattr(
        "torch.optim._muon._zeropower_via_newtonschulz", lambda gradient, *_: gradient
    )
    monkeypatch.setattr(make_demo_words, "QUICK", fewer)
    monkeypatch.setattr(make_demo_words, "picture_recipe", small(training.picture_recipe))
    monkeypatch.setattr(make_demo_words, "clip_recipe", small(training.clip_recipe))
    app = typer.Typer()
    app.command()(make_demo_words.main)
    arguments = ["--quick", "--out", str(tmp_path / "model"), "--work", str(tmp_path / "work")]
    threads = torch.get_num_threads()
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    torch.set_num_threads(threads)
    assert result.exit_code == 0
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {path.name for path in MODEL.iterdir()}
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "| trained phrasings: 22 clips" in card
    assert "it falls short in" in card
