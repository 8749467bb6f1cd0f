"""--fast: what stands still is computed once, weighted by how long it stands."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_video import make_video
from tiny_models import make_tiny_model

from vidtag import Tagger
from vidtag.cache.scores import ScoreStore
from vidtag.models.classifier import ClassifierInfo
from vidtag.models.fast import FastClassifier
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.still import LEAST_TOKENS, StillRule
from vidtag.tagging.recipe import Fingerprint

RULE = StillRule(threshold=0.1, tube=(2, 16, 16), num_leading=0, std=(50.0, 50.0, 50.0))


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def half_still(num_frames: int, size: int, seed: int = 0) -> np.ndarray:
    """Draw a clip whose left half stands still."""
    clip = noise(num_frames, size, size, seed=seed)
    clip[:, :, : size // 2] = clip[0, :, : size // 2]
    return clip


def test_what_stands_still_is_computed_once_in_the_middle_of_its_run():
    tokens = RULE.find(half_still(16, 64))
    # 4 x 4 places at 8 times: the right half at each, the left half at the fourth.
    places = {(index // 16, index % 4 >= 2) for index in tokens.index.tolist()}
    assert places == {*((time, True) for time in range(8)), (3, False)}
    length_of = dict(zip(tokens.index.tolist(), tokens.lengths.tolist(), strict=True))
    assert all(length_of[k] == (1 if k % 4 >= 2 else 8) for k in length_of)
    assert tokens.index.tolist() == sorted(length_of)
    assert tokens.lengths.sum() == 128
    assert tokens.still_share == 7 * 8 / 128


def test_a_token_that_the_answer_is_read_from_stands_for_itself():
    clip = half_still(16, 64)
    assert RULE.find(clip).index[0] != 0
    pinned = replace(RULE, pools_first=True).find(clip)
    assert (pinned.index[0], pinned.lengths[0]) == (0, 1)
    assert pinned.lengths.sum() == 128


@pytest.mark.parametrize("levels", [4, 6])
def test_the_threshold_is_in_normalised_pixels(levels):
    clip = noise(16, 64, 64)
    clip[:, :, :32] = 100
    clip[8:, :, :32] += np.uint8(levels)  # of 50: 0.08 and 0.12, against 0.1
    tokens = RULE.find(clip)
    still = tokens.lengths[tokens.index % 4 < 2]
    assert set(still.tolist()) == ({4} if levels == 6 else {8})


def test_what_begins_within_a_tube_is_seen():
    clip = np.full((16, 32, 32, 3), 100, np.uint8)
    clip[9:, :16, :16] = 200  # from the second frame of the fifth tube on
    clip[:, 16:] = noise(16, 16, 32)  # so that the floor is reached
    tokens = RULE.find(clip)
    length_of = dict(zip(tokens.index.tolist(), tokens.lengths.tolist(), strict=True))
    # The tube of the change holds motion, and so stands for itself; the next ones for the rest.
    assert [length_of.get(4 * k) for k in range(8)] == [None, 4, None, None, 1, None, 3, None]


def test_what_creeps_is_seen():
    clip = np.full((16, 64, 64, 3), 100, np.uint8)
    clip += (2 * np.arange(16, dtype=np.uint8))[:, None, None, None]  # 0.04 a frame
    tokens = RULE.find(clip)
    assert tokens.still_share < 0.7
    assert tokens.lengths.max() <= 2


def test_a_still_clip_keeps_a_floor_of_tokens():
    tokens = RULE.find(np.full((16, 64, 64, 3), 7, np.uint8))
    assert len(tokens.index) == 128 * LEAST_TOKENS
    assert tokens.index.tolist() == [*range(16, 32), *range(80, 96)]  # the middle of each half
    assert set(tokens.lengths.tolist()) == {4}


def test_a_class_token_comes_first_and_counts_once():
    rule = replace(RULE, num_leading=1)
    with_class, without = rule.find(half_still(16, 64)), RULE.find(half_still(16, 64))
    assert with_class.index.tolist() == [0, *(without.index + 1)]
    assert with_class.lengths.tolist() == [1, *without.lengths]
    assert with_class.still_share == without.still_share


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    made = {
        name: make_tiny_model(root / name, name, image_size=64, num_labels=7)
        for name in ("videomae", "vivit", "timesformer")
    }
    first = make_tiny_model(root / "first token", image_size=64, num_labels=7)
    config = json.loads((first / "config.json").read_text())
    config["use_mean_pooling"] = False
    (first / "config.json").write_text(json.dumps(config))
    _rename_norm(first / "model.safetensors")
    return {**made, "first token": first}


def _rename_norm(path: Path) -> None:
    """Name the norm as a VideoMAE that pools its first token does."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    renamed = {k.replace("fc_norm.", "videomae.layernorm."): v for k, v in tensors.items()}
    save_file(renamed, path, metadata={"format": "pt"})


def load(folder: Path, engine: str, **choices):
    return load_classifier(
        LoadOptions(model=folder, engine=engine, device="cpu", precision="fp32", **choices)
    )


FAST = ["videomae", "first token", "vivit"]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAST)
def test_all_tokens_give_what_the_model_gives(folders, name):
    exact = load(folders[name], "torch")
    clips = noise(2, exact.info.num_frames, 64, 64)
    num_tokens = exact.info.num_frames // 2 * 16 + (name == "vivit")
    index = np.broadcast_to(np.arange(num_tokens), (2, num_tokens))
    rows = exact.some_tokens(clips, index, np.ones(index.shape, np.float32))
    assert np.abs(rows[:, :7] - exact.logits(clips)).max() < 1e-5
    assert np.abs(rows[:, 7:] - exact.features(clips)).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", FAST)
def test_the_engines_agree_and_pixels_that_are_left_out_do_not_count(folders, name):
    on_torch, on_openvino = (load(folders[name], e, fast=True) for e in ("torch", "openvino"))
    clips = np.stack([half_still(on_torch.info.num_frames, 64, seed=k) for k in range(3)])
    clips[2] = noise(on_torch.info.num_frames, 64, 64)
    run = on_torch.run(clips, with_features=True)
    other = on_openvino.run(clips, with_features=True)
    assert np.abs(run.logits - other.logits).max() < 1e-4
    assert np.abs(run.features - other.features).max() < 1e-4
    assert np.array_equal(run.still_shares, other.still_shares)
    assert run.still_shares[0] > 0.4
    assert run.still_shares[2] == 0
    assert np.array_equal(on_torch.logits(clips), run.logits)
    assert np.abs(on_torch.head(run.features) - run.logits).max() < 1e-5
    # Below the threshold, and in tubes that are not computed.
    flickering = clips.copy()
    flickering[0, -2:, :, :32] ^= 1
    again = on_torch.run(flickering)
    assert np.array_equal(again.logits[0], run.logits[0])


@pytest.mark.slow
def test_a_token_of_length_two_is_two_equal_tokens(folders):
    exact = load(folders["videomae"], "torch")
    clip = noise(1, 16, 64, 64)
    once = np.arange(0, 128, 2)[None]
    twice = np.sort(np.concatenate([once, once[:, :20]], axis=1))
    lengths = np.ones(once.shape, np.float32)
    lengths[:, :20] = 2
    weighted = exact.some_tokens(clip, once, lengths)
    repeated = exact.some_tokens(clip, twice, np.ones(twice.shape, np.float32))
    assert np.abs(weighted - repeated).max() < 1e-5
    unweighted = exact.some_tokens(clip, once, np.ones(once.shape, np.float32))
    assert np.abs(unweighted - repeated).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", FAST)
def test_windows_that_are_filled_up_say_what_they_say_alone(folders, name):
    on_cpu = load(folders[name], "torch", fast=True)
    grouped = FastClassifier(
        on_cpu._engine, on_cpu._rule, replace(on_cpu.info, device="cuda:0", batch_size=4)
    )
    clips = np.stack([half_still(on_cpu.info.num_frames, 64, seed=k) for k in range(5)])
    for k in range(5):
        clips[k, 2 * k : 2 * k + 2] = noise(2, 64, 64, seed=9)
    alone, together = on_cpu.run(clips), grouped.run(clips)
    assert len(set(alone.still_shares.tolist())) > 1
    assert np.abs(alone.logits - together.logits).max() < 1e-5


class Recording:
    """An engine that remembers what it ran."""

    labels = ("a", "b")

    def __init__(self):
        self.whole, self.groups = 0, []

    def logits(self, clips):
        self.whole += len(clips)
        return np.zeros((len(clips), 2), np.float32)

    def some_tokens(self, clips, index, lengths):
        self.groups.append(np.count_nonzero(lengths, axis=1).tolist())
        assert (lengths.sum(axis=1) == 128).all()
        return np.ones((len(clips), 5), np.float32)


def info(**changes) -> ClassifierInfo:
    from fake_classifier import FakeClassifier

    return replace(FakeClassifier().info, still_threshold=0.1, **changes)


def test_windows_go_alone_on_a_cpu_and_by_length_on_a_gpu():
    clips = np.stack([half_still(16, 64, seed=k) for k in range(6)])
    clips[1::2] = clips[1::2, :1]  # these stand still
    clips[5] = noise(16, 64, 64)
    engine = Recording()
    run = FastClassifier(engine, RULE, info(batch_size=8)).run(clips)
    assert engine.groups == [[32], [32], [72], [72], [72]]
    assert engine.whole == 1
    assert run.logits[:, 0].tolist() == [1, 1, 1, 1, 1, 0]
    assert run.still_shares.tolist() == [0.4375, 0.75, 0.4375, 0.75, 0.4375, 0]
    engine = Recording()
    FastClassifier(engine, RULE, info(batch_size=2, device="cuda:0")).run(clips)
    assert engine.groups == [[32, 32], [72, 72], [72]]


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> str:
    """A video whose middle counts and whose rest stands still."""
    path = tmp_path_factory.mktemp("videos") / "counting.mp4"
    return str(make_video(path, num_frames=60, fps=10))


def plain(document):
    return {**document.to_dict(), "timing": None}


@pytest.mark.slow
def test_documents_tell_of_it_and_stored_scores_are_its_own(video, folders, tmp_path):
    options = {"model": folders["videomae"], "device": "cpu", "precision": "fp32"}
    with ScoreStore(tmp_path) as store:
        exact = Tagger(LoadOptions(**options), store=store).tag(video)
        tagger = Tagger(LoadOptions(**options, fast=True), store=store)
        fast = tagger.tag(video)
        again = tagger.tag(video)
        exact_again = Tagger(LoadOptions(**options), store=store).tag(video)
    assert not fast.timing.from_cache
    assert again.timing.from_cache
    assert exact_again.timing.from_cache
    assert plain(again) == plain(fast)
    assert plain(exact_again) == plain(exact)
    assert "fast" not in exact.to_dict()["engine"]
    assert "still_share" not in exact.to_dict()
    assert fast.engine.fast is True
    assert fast.engine.still_threshold == 0.1
    assert 0.3 < fast.still_share <= 0.75
    assert all(0 < step.still_share <= 0.75 for step in fast.timeline)
    assert [warning.code for warning in fast.warnings] == ["approximate"]
    shares = tagger.score(video).still_shares
    assert fast.still_share == pytest.approx(shares.mean(), abs=1e-6)
    middle = tagger.score(video)[2:3]
    assert middle.still_shares.shape == (len(middle),)


@pytest.mark.slow
def test_a_result_of_the_other_kind_is_not_done(video, folders):
    exact = Tagger(folders["videomae"], device="cpu")
    fast = Tagger(folders["videomae"], device="cpu", fast=True)
    documents = [tagger.tag(video).to_dict() for tagger in (exact, fast)]
    content_id = documents[0]["video"]["content_id"]
    for wanted, tagger in enumerate((exact, fast)):
        made = Fingerprint.of(tagger.settings, tagger.classifier.info, tagger.grid)
        assert [made.fits(one, content_id) for one in documents] == [wanted == 0, wanted == 1]


@pytest.mark.slow
def test_features_go_with_the_scores_of_a_fast_run(video, folders):
    tagger = Tagger(folders["videomae"], device="cpu", precision="fp32", fast=True)
    scored = tagger.score(video, features=True)
    assert np.abs(tagger.classifier.head(scored.features) - scored.logits).max() < 1e-5
    assert np.abs(scored.logits - tagger.score(video).logits).max() < 1e-5


@pytest.mark.slow
def test_a_model_that_needs_all_patches_runs_exactly_and_says_so(video, folders, run):
    arguments = (video, "-m", str(folders["timesformer"]), "--offline", "--no-cache", "--json")
    code, exact, _ = run(*arguments)
    assert code == 0
    code, told, err = run(*arguments, "--fast")
    assert code == 0
    assert err.splitlines()[0] == (
        "warning: TimeSformer needs all patches of a window, so --fast changes nothing: the run "
        "is exact."
    )
    exact, told = json.loads(exact), json.loads(told)
    assert told["warnings"][0]["code"] == "not_faster"
    assert told["warnings"][1:] == exact["warnings"]
    assert told["timeline"] == exact["timeline"]
    assert told["engine"] == exact["engine"]


@pytest.mark.slow
def test_what_is_explained_is_the_exact_model(video, folders, run, tmp_path):
    from vidtag.explain.run import ExplainOptions, explain_video

    fast = LoadOptions(model=folders["videomae"], device="cpu", fast=True)
    explained = [
        explain_video(ExplainOptions(source=video, load=options))
        for options in (fast, replace(fast, fast=False))
    ]
    assert not explained[0].classifier.info.is_fast
    by_moment = [{w.explanation.start_seconds: w.explanation.score for w in one.windows}
                 for one in explained]  # fmt: skip
    common = by_moment[0].keys() & by_moment[1].keys()
    assert common
    assert all(by_moment[0][moment] == by_moment[1][moment] for moment in common)
    arguments = (video, "-m", str(folders["videomae"]), "--offline", "--no-cache", "--fast",
                 "--min-score", "0.1", "-f", "html", "-o", f"{tmp_path}/", "--explain")  # fmt: skip
    code, _, err = run(*arguments)
    assert code == 0, err
    page = next(tmp_path.rglob("counting*.html")).read_text()
    assert "It explains the exact model; the tags took a shortcut." in page
    assert "computed once: scores are approximate" in page


@pytest.mark.slow
def test_a_table_says_how_much_stood_still(video, folders, run):
    code, out, _ = run(video, "-m", str(folders["videomae"]), "--offline", "--no-cache", "--fast",
                       "-v")  # fmt: skip
    assert code == 0
    assert any(line.endswith(" % still") for line in out.splitlines()[:5])


def test_models_that_compare_with_text_need_all_patches():
    from vidtag.models.config import parse_config
    from vidtag.models.source import PACKAGED

    values = json.loads((PACKAGED["demo-words"] / "config.json").read_text())
    assert parse_config(values, "demo-words").still_threshold is None


def test_the_threshold_of_a_model_stands_in_its_own_config(tmp_path):
    from vidtag.models.config import parse_config
    from vidtag.models.source import PACKAGED

    values = json.loads((PACKAGED["demo"] / "config.json").read_text())
    own = parse_config(values, "demo").still_threshold
    assert own is not None
    assert own < 0.1
    del values["vidtag"]
    assert parse_config(values, "demo").still_threshold == 0.1
    from vidtag.errors import ModelLoadError

    for wrong in (0, -1, "much", True, float("nan")):
        values["vidtag"] = {"still_threshold": wrong}
        with pytest.raises(ModelLoadError, match="still_threshold"):
            parse_config(values, "demo")
