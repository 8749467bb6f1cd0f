"""From labelled videos to a model of one's own: what it learns from, and what it comes to."""

import json
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from make_video import make_video
from tiny_models import make_tiny_model, on_torch

from vidtag import ScoreStore, Settings, Tagger
from vidtag.errors import ModelError, TruthError, UsageError, VideoError
from vidtag.formats.truths.truth import LabelledVideo, TrueSegment, Truths
from vidtag.models.device import cpu_has_bf16
from vidtag.training import descent
from vidtag.training.augmenting import LEAST_SIDE, Augmentation, augment, mix
from vidtag.training.clips import WorkFolder, batches
from vidtag.training.examples import NONE, Examples, window_targets, without_unshown
from vidtag.training.fine_tuning import FullOptions, hold_out, train_full
from vidtag.training.head import balance, fit, make_folds
from vidtag.training.head_training import TrainOptions, train_head
from vidtag.training.outcome import Outcome, Unseen
from vidtag.training.pretraining import PretrainOptions, hide_tubes, pretrain

LABELS = ("down", "left", "right")
NUM_VIDEOS = 5


def draw(label: str, seed: int):
    """Draw a bright bar on noise, which moves one way."""
    rng = np.random.default_rng([seed, len(label)])
    start, noise = int(rng.integers(0, 60)), rng.integers(0, 90, (48, 64, 3), dtype=np.uint8)

    def frame(n: int) -> np.ndarray:
        picture = noise.copy()
        at = (start + (3 if label == "right" else -3) * n) % 64
        if label == "down":
            at = (start + 3 * n) % 48
            picture[at : at + 8] = 250
        else:
            picture[:, at : at + 8] = 250
        return picture

    return frame


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("train") / "base", hidden_size=48)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder per label."""
    folder = tmp_path_factory.mktemp("clips")
    for label in LABELS:
        for n in range(NUM_VIDEOS):
            path = folder / label / f"{n}.mp4"
            path.parent.mkdir(exist_ok=True)
            make_video(path, num_frames=25, fps=12, size=(64, 48), draw=draw(label, n))
    return folder


@pytest.fixture(scope="module")
def truths(clips):
    videos = [
        LabelledVideo(path=str(path), label=path.parent.name)
        for path in sorted(clips.glob("*/*.mp4"))
    ]
    return Truths(videos=tuple(videos), labels=LABELS)


def train(truths, folder, base, store=None, **settings):
    options = TrainOptions(load=on_torch(base), settings=Settings(**settings))
    return train_head(truths, str(folder), options, store=store)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_what_was_trained_is_a_model_like_any_other(truths, base, tmp_path, run):
    from transformers import AutoModelForVideoClassification

    trained = train(truths, tmp_path / "model", base)
    outcome = trained.outcome
    assert outcome.classes == LABELS
    assert len(outcome.unseen.targets) == 3 * NUM_VIDEOS
    assert len(set(outcome.unseen.videos.tolist())) == 3 * NUM_VIDEOS
    loaded = AutoModelForVideoClassification.from_pretrained(tmp_path / "model")
    assert tuple(loaded.config.id2label.values()) == LABELS
    document = Tagger(str(tmp_path / "model"), device="cpu", engine="torch").tag(
        truths.videos[0].path
    )
    assert document.model.num_labels == 3
    assert document.model.temperature == pytest.approx(outcome.temperature, abs=1e-6)
    assert document.model.calibrated_on == 3 * NUM_VIDEOS
    assert document.tags[0].label == truths.videos[0].label
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| down | 5 | " in card
    code, out, _ = run("labels", "-m", str(tmp_path / "model"))
    assert (code, out.split()) == (0, list(LABELS))


@pytest.mark.slow
def test_the_same_training_gives_the_same_bytes_and_asks_no_model_twice(truths, base, tmp_path):
    with ScoreStore(tmp_path / "store") as store:
        train(truths, tmp_path / "one", base, store)
        before = [
            Tagger(on_torch(base), store=store).tag(video.path).timing for video in truths.videos
        ]
        train(truths, tmp_path / "two", base, store)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(before) == len(truths.videos)


@pytest.mark.slow
def test_features_of_a_second_training_are_stored_ones(truths, base, tmp_path, monkeypatch):
    from vidtag.models.torch_engine import TorchClassifier

    with ScoreStore(tmp_path / "store") as store:
        train(truths, tmp_path / "one", base, store)
        asked = []
        features = TorchClassifier.features
        monkeypatch.setattr(
            TorchClassifier,
            "features",
            lambda self, clips: asked.append(len(clips)) or features(self, clips),
        )
        train(truths, tmp_path / "two", base, store)
    assert asked == [1]  # how many numbers they are


@pytest.mark.slow
def test_scores_are_divided_by_the_temperature(truths, base, tmp_path):
    train(truths, tmp_path / "model", base)
    path = tmp_path / "model" / "config.json"
    values = json.loads(path.read_text())
    own = values["vidtag"]
    assert own["trained"] == "head"
    tagged = []
    for temperature in (1, 4.0):
        own["temperature"] = temperature
        path.write_text(json.dumps(values))
        for engine in ("torch", "openvino"):
            tagger = Tagger(str(tmp_path / "model"), device="cpu", engine=engine, precision="fp32")
            tagged.append(tagger.score(truths.videos[0].path).logits)
    assert tagged[0] == pytest.approx(tagged[1], abs=0.01)  # two engines
    assert tagged[0] / 4 == pytest.approx(tagged[2], abs=1e-6)
    assert tagged[2] == pytest.approx(tagged[3], abs=0.01)


@pytest.mark.slow
def test_unlabelled_time_becomes_none_of_these(base, tmp_path, run):
    videos = []
    for n in range(4):
        one, other = draw("left", n), draw("down", n + 9)
        path = make_video(
            tmp_path / f"{n}.mp4", num_frames=120, fps=12, size=(64, 48),
            draw=lambda k, one=one, other=other: one(k) if k < 60 else other(k),
        )  # fmt: skip
        end = Fraction(5) if n % 2 else Fraction(4)
        label = "left" if n < 2 else "other way"
        segment = TrueSegment(start_seconds=Fraction(0), end_seconds=end, label=label)
        videos.append(LabelledVideo(path=str(path), label=None, segments=(segment,)))
    truths = Truths(videos=tuple(videos), labels=("left", "other way"))
    trained = train(truths, tmp_path / "model", base)
    assert trained.outcome.classes == ("left", "other way", "none of these")
    assert trained.examples.has_none
    document = Tagger(str(tmp_path / "model"), device="cpu", engine="torch").tag(
        str(videos[0].path)
    )
    assert document.model.num_labels == 2
    assert document.model.has_none
    last = document.timeline[-1]
    assert last.background_score > max(tag.score for tag in last.tags)
    assert sum(tag.score for tag in last.tags) + last.background_score == pytest.approx(1, abs=1e-5)
    assert run("labels", "-m", str(tmp_path / "model"))[1].split("\n")[:2] == ["left", "other way"]
    # Stored and read back, and with shortcuts, it is the same kind of document.
    path = tmp_path / "tags.json"
    document.save(str(path))
    assert run("show", str(path))[0] == 0
    fast = Tagger(str(tmp_path / "model"), device="cpu", engine="torch", fast=True)
    assert fast.tag(str(videos[0].path)).timeline[-1].background_score is not None


def test_a_window_shows_what_most_of_it_shows():
    segments = (
        TrueSegment(start_seconds=Fraction(1), end_seconds=Fraction(4), label="a"),
        TrueSegment(start_seconds=Fraction(4), end_seconds=Fraction(6), label="b"),
    )
    video = LabelledVideo(path="x", label=None, segments=segments)
    bounds = [(Fraction(k), Fraction(k + 2)) for k in range(9)]
    targets, num_mixed = window_targets(video, bounds, Fraction(10), {"a": 0, "b": 1})
    mixed = NONE - 1
    assert targets.tolist() == [mixed, 0, 0, mixed, 1, mixed, NONE, NONE, NONE]
    assert num_mixed == 3


def make_examples(num_videos: int = 6, *, subsets=None) -> Examples:
    """Make examples of two classes that are easily told apart."""
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(num_videos) % 2, 3)
    features = rng.normal(size=(3 * num_videos, 8)).astype(np.float32)
    features[:, 0] += 6 * targets
    return Examples(
        features=features,
        targets=targets,
        videos=np.repeat(np.arange(num_videos), 3),
        whole=np.ones(num_videos, bool),
        subsets=subsets or (None,) * num_videos,
        paths=tuple(map(str, range(num_videos))),
        labels=("a", "b"),
        notes=(),
    )


def test_a_head_is_judged_by_videos_that_it_has_not_seen():
    fitted = fit(make_examples(), "none", 0)
    unseen = fitted.outcome.unseen
    assert sorted(unseen.videos.tolist()) == list(range(6))
    assert (unseen.logits.argmax(1) == unseen.targets).all()
    again = fit(make_examples(), "none", 0)
    assert (again.head.weight == fitted.head.weight).all()


def test_a_files_own_subsets_are_heeded():
    subsets = ("training", "training", "training", "training", "validation", "testing")
    examples = make_examples(subsets=subsets)
    folds, how, learns = make_folds(examples, examples.targets, 0)
    assert "validation" in how
    assert [fold.tolist() for fold in folds] == [[False] * 4 + [True, False]]
    assert learns.tolist() == [True] * 4 + [False] * 2
    held_out, how = hold_out(make_examples(5, subsets=subsets[:5]), 0)
    assert held_out.tolist() == [False] * 4 + [True]
    assert "validation" in how
    held_out, how = hold_out(make_examples(4, subsets=("validation",) * 4), 0)
    assert held_out.sum() == 2
    assert how == "2 of 4 videos, of each label about a fifth"


def test_one_video_of_each_label_can_not_be_judged():
    outcome = fit(make_examples(2), "none", 0).outcome
    assert outcome.unseen is None
    assert outcome.temperature == 1.0


def test_each_class_counts_as_much_and_in_it_each_video():
    weights = balance(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 2]))
    assert weights.sum() == pytest.approx(1)
    assert weights[4] == pytest.approx(0.5)
    assert weights[3] == pytest.approx(0.25)


def test_augmentation_keeps_most_of_every_picture():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    clip = torch.zeros(1, 2, 50, 50, 3, dtype=torch.uint8)
    margin = 2 * round(50 * (1 - LEAST_SIDE))
    clip[:, :, margin:-margin, margin:-margin] = 200  # what must never get lost
    for _ in range(50):
        shown = augment(clip, rng, Augmentation())
        assert shown.shape == clip.shape
        assert (shown > 100).float().mean() >= 0.5 * (clip > 100).float().mean()
    same = [augment(clip, np.random.default_rng(3), Augmentation()) for _ in range(2)]
    assert torch.equal(*same)


def test_mixed_targets_still_sum_to_one():
    torch = pytest.importorskip("torch")
    clips, targets = torch.rand(4, 2, 8, 8, 3), torch.eye(4)
    mixed, goals = mix(clips, targets, np.random.default_rng(0), Augmentation())
    assert goals.sum(1).numpy() == pytest.approx(np.ones(4))
    assert not torch.equal(mixed, clips)
    plain = mix(clips, targets, np.random.default_rng(0), Augmentation(mixup=0, smoothing=0))
    assert torch.equal(plain[0], clips)
    assert torch.equal(plain[1], targets)


def test_every_class_is_drawn_as_often_and_the_luck_is_that_of_the_step():
    targets = np.array([0] * 20 + [1] * 2)
    drawn = list(batches(targets, 4, 0, 30))
    assert np.mean([targets[places].mean() for places in drawn]) == pytest.approx(0.5)
    assert all((a == b).all() for a, b in zip(drawn, batches(targets, 4, 0, 30), strict=True))


def full(base, **values) -> FullOptions:
    return FullOptions(
        load=on_torch(base), settings=Settings(), epochs=2, batch_size=4, rate=1e-3, **values
    )


class Killed(Exception):
    """What ends a run in the middle."""


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 3])
def test_a_killed_training_goes_on_to_the_same_weights(truths, base, tmp_path, monkeypatch, at):
    train_full(truths, str(tmp_path / "whole"), full(base))
    monkeypatch.setattr(descent, "_SAVE_SECONDS", -1)
    told: list[str] = []

    def kill(done: int, total: int) -> None:
        if done == at:
            raise Killed

    with pytest.raises(Killed):
        train_full(truths, str(tmp_path / "killed"), full(base), advance=kill)
    assert not (tmp_path / "killed").exists()
    first: list[int] = []
    train_full(
        truths, str(tmp_path / "killed"), full(base), tell=told.append,
        advance=lambda done, total: first.append(done),
    )  # fmt: skip
    assert first[0] == at  # what was done is not done again
    assert any("going on" in line for line in told)
    whole, killed = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    assert whole["model.safetensors"] == killed["model.safetensors"]
    assert whole["config.json"] == killed["config.json"]
    assert not list(tmp_path.glob("*.training"))


@pytest.mark.slow
def test_an_interruption_keeps_what_was_done(truths, base, tmp_path):
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_full(truths, str(tmp_path / "model"), full(base), advance=interrupt)
    first: list[int] = []
    train_full(
        truths, str(tmp_path / "model"), full(base), advance=lambda n, total: first.append(n)
    )
    assert first[0] == 2


@pytest.mark.slow
def test_another_training_does_not_go_on_with_a_checkpoint(truths, base, tmp_path, monkeypatch):
    monkeypatch.setattr(descent, "_SAVE_SECONDS", -1)

    def kill(done: int, total: int) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        train_full(truths, str(tmp_path / "model"), full(base), advance=kill)
    first: list[int] = []
    other = full(base, seed=1)
    train_full(truths, str(tmp_path / "model"), other, advance=lambda n, total: first.append(n))
    assert first[0] == 0


@pytest.mark.slow
def test_all_weights_are_trained(truths, base, tmp_path):
    from safetensors.numpy import load_file

    trained = train_full(truths, str(tmp_path / "model"), full(base))
    before, after = (
        load_file(folder / "model.safetensors") for folder in (base, tmp_path / "model")
    )
    moved = [name for name in after if name in before and "classifier" not in name]
    assert all((before[name] != after[name]).any() for name in moved)
    own = json.loads((tmp_path / "model" / "config.json").read_text())["vidtag"]
    assert own["trained"] == "full"
    assert trained.outcome.unseen is not None
    assert len(set(trained.outcome.unseen.videos.tolist())) == 3  # one of five of each label


@pytest.mark.slow
def test_pretraining_paints_what_is_hidden_and_goes_on_after_a_kill(
    truths, base, tmp_path, monkeypatch, run
):
    videos = [video.path for video in truths.videos]
    options = PretrainOptions(
        load=on_torch(base), settings=Settings(), num_steps=6, batch_size=4, rate=3e-3
    )
    result = pretrain(videos, str(tmp_path / "whole"), options)
    assert result.num_videos == len(videos)
    assert result.last_loss > 0
    monkeypatch.setattr(descent, "_SAVE_SECONDS", -1)

    def kill(done: int, total: int) -> None:
        if done == 4:
            raise Killed

    with pytest.raises(Killed):
        pretrain(videos, str(tmp_path / "killed"), options, advance=kill)
    pretrain(videos, str(tmp_path / "killed"), options)
    name = "model.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()
    # It names nothing yet, and says so; training goes on from it.
    code, _, err = run(videos[0], "-m", str(tmp_path / "whole"))
    assert (code, err.count("\n")) == (1, 1)
    assert "vidtag train DATA --from" in err
    train_full(truths, str(tmp_path / "model"), full(tmp_path / "whole"))
    assert (tmp_path / "model" / name).is_file()


def test_tubes_are_hidden_at_the_same_places_in_all_frames():
    hidden = hide_tubes(np.random.default_rng(0), 3, 36, 8).reshape(3, 8, 36)
    assert (hidden == hidden[:, :1]).all()
    assert hidden.mean() == pytest.approx(0.9, abs=0.02)
    assert (hidden[0] != hidden[1]).any()


@pytest.mark.slow
def test_what_can_not_be_trained_is_one_sentence(truths, base, tmp_path):
    with pytest.raises(ModelError, match="nothing-here"):
        train(truths, tmp_path / "x", "./nothing-here")
    missing = LabelledVideo(path=str(tmp_path / "missing.mp4"), label="left")
    with pytest.raises(VideoError, match=r"missing\.mp4"):
        train(Truths(videos=(missing,), labels=LABELS), tmp_path / "x", base)
    broken = Truths(videos=(missing, *truths.videos), labels=LABELS)
    trained = train(broken, tmp_path / "x", base)
    assert any("missing.mp4" in note for note in trained.examples.notes)
    timesformer = make_tiny_model(tmp_path / "timesformer", "timesformer")
    with pytest.raises(UsageError, match="takes a VideoMAE"):
        pretrain([truths.videos[0].path], str(tmp_path / "y"),
                 PretrainOptions(load=on_torch(timesformer), settings=Settings()))  # fmt: skip


def test_a_work_folder_is_found_again_by_the_same_facts(tmp_path):
    work = WorkFolder.of(str(tmp_path / "model"))
    assert not work.open({"a": 1}, [])
    rows = [np.full((2, 3), k, np.uint8) for k in range(5)]
    clips = work.clips((2, 3), lambda: iter(rows))
    assert clips.tolist() == np.stack(rows).tolist()
    assert work.open({"a": 1}, [])
    assert work.clips((2, 3), lambda: pytest.fail("read twice")).shape == (5, 2, 3)
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"1")
    assert not work.open({"a": 1}, [str(video)])
    assert work.open({"a": 1}, [str(video)])
    video.write_bytes(b"22")  # the same name, and another content
    assert not work.open({"a": 1}, [str(video)])
    assert not work.open({"a": 2}, [])
    assert not (work.path / "clips.npy").exists()


def test_an_outcome_knows_what_is_confused():
    from vidtag.training.figures import judge

    unseen = Unseen(
        logits=np.array([[2.0, 1], [2, 1], [2, 1], [0, 1]]),
        targets=np.array([0, 0, 1, 1]),
        videos=np.arange(4),
    )
    outcome = Outcome(classes=("a", "b"), temperature=1.0, unseen=unseen, held_out="", recipe="")
    figures = judge(outcome)
    assert figures.accuracy == 0.75
    assert figures.confused == (("b", "a", 1),)
    assert figures.what == "video"


_KILLED = """
import sys
from vidtag.training import descent
descent._SAVE_SECONDS = -1
from vidtag.cli.app import run
sys.argv = ["vidtag", "train", sys.argv[1], "-o", sys.argv[2], "--from", sys.argv[3], "--full",
            "--epochs", "4", "--batch-size", "4", "--rate", "0.001", "--device", "cpu", "-q"]
sys.exit(run())
"""


@pytest.mark.slow
def test_a_kill_that_asks_nobody_costs_no_step_that_was_saved(clips, base, tmp_path):
    def command(name: str) -> list[str]:
        return [sys.executable, "-c", _KILLED, str(clips), str(tmp_path / name), str(base)]

    subprocess.run(command("whole"), check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed.training" / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert checkpoint.is_file()
    assert not (tmp_path / "killed").exists()
    subprocess.run(command("killed"), check=True, stdout=subprocess.DEVNULL)
    assert contents(tmp_path / "whole") == contents(tmp_path / "killed")


@pytest.mark.slow
def test_the_command_says_what_it_learned_and_replaces_only_its_own(clips, base, tmp_path, run):
    folder = tmp_path / "model"
    usual = ["train", str(clips), "-o", str(folder), "--from", str(base)]
    code, out, err = run(*usual)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["label", "videos", "windows", "right,", "unseen"] in lines
    assert any(line[:2] == ["down", "5"] for line in lines)
    assert "15 videos that it had not seen" in out
    assert f"vidtag VIDEO -m {folder}" in err
    code, out, _ = run(*usual, "--json", "-q")
    assert code == 0
    assert json.loads(out)["unseen"]["videos"] == 15
    for name in ("precious", "file"):
        place = tmp_path / name
        if name == "file":
            place.write_text("mine")
        else:
            place.mkdir()
            (place / "mine.txt").write_text("mine")
        code, _, err = run("train", str(clips), "-o", str(place), "--from", str(base))
        assert (code in (1, 2), err.count("\n")) == (True, 1)
    assert run("train", str(clips), "--from", str(base))[0] == 2
    assert (tmp_path / "precious" / "mine.txt").read_text() == "mine"


@pytest.mark.skipif(cpu_has_bf16(), reason="this CPU computes in bf16")
@pytest.mark.parametrize("command", [["train", "{clips}", "--full"], ["pretrain", "{clips}", "-r"]])
def test_bf16_where_the_cpu_has_none_is_refused_before_anything_is_read(
    command, clips, base, tmp_path, run
):
    named = [part.format(clips=clips) for part in command]
    code, out, err = run(
        *named, "--from", str(base), "--precision", "bf16", "-o", str(tmp_path / "model")
    )
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "does not compute in bf16" in err
    assert "--precision fp32" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_how_it_goes_is_told_on_the_way_and_changes_nothing(truths, base, tmp_path):
    lines: list[str] = []
    train_full(truths, str(tmp_path / "told"), full(base), tell=lines.append)
    train_full(truths, str(tmp_path / "silent"), full(base))
    name = "model.safetensors"
    assert (tmp_path / "told" / name).read_bytes() == (tmp_path / "silent" / name).read_bytes()
    told = [line for line in lines if " updates: " in line]
    assert told
    pattern = r"\d+ of \d+ updates: loss \d\.\d{3}, \d+% right of 3 held out"
    assert all(re.fullmatch(pattern, line) for line in told), told


def examples_of(targets, subsets, labels=("a", "b", "c")) -> Examples:
    """One window a video."""
    number = len(targets)
    return Examples(
        features=np.zeros((number, 2), np.float32),
        targets=np.array(targets),
        videos=np.arange(number),
        whole=np.ones(number, bool),
        subsets=tuple(subsets),
        paths=tuple(f"{n}.mp4" for n in range(number)),
        labels=labels,
        notes=("before",),
    )


def test_labels_that_no_window_shows_are_left_out_and_said():
    kept = without_unshown(examples_of([0, 2, NONE, 2], [None] * 4))
    assert kept.labels == ("a", "c")
    assert kept.targets.tolist() == [0, 1, NONE, 1]
    assert kept.notes[0] == "before"
    assert "no window shows 'b'" in kept.notes[1]
    whole = examples_of([0, 1, 2], [None] * 3)
    assert without_unshown(whole) is whole
    alone = examples_of([0, NONE], [None] * 2, ("a",))
    assert without_unshown(alone) is alone  # told from what it is not


@pytest.mark.parametrize(
    ("targets", "subsets", "labels", "said"),
    [
        ([], [], ("a", "b"), "No window shows 'a', 'b'"),
        ([NONE, NONE], [None, None], ("a", "b"), "No window shows 'a', 'b'"),
        ([0, 0], [None, None], ("a", "b"), "No window shows 'b'"),
        ([0, 0], [None, None], ("a",), "Every window shows 'a'"),
        ([0, 1, 2], ["train", "train", "val"], ("a", "b", "c"), "be learned of 'c'"),
        ([0, 1], ["test", "test"], ("a", "b"), "be learned of 'a', 'b'"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(targets, subsets, labels, said):
    with pytest.raises(TruthError, match=said):
        without_unshown(examples_of(np.array(targets, int), subsets, labels))


@pytest.mark.slow
@pytest.mark.parametrize("how", [[], ["--full", "--epochs", "1"]])
def test_ranges_that_no_window_fits_into_are_one_line(how, clips, base, tmp_path, run):
    path = clips / LABELS[0] / "0.mp4"
    (tmp_path / "x.csv").write_text(f"{path},a,0,1\n{path},b,1,2\n")
    model = str(tmp_path / "model")
    code, out, err = run("train", str(tmp_path / "x.csv"), "--from", str(base), "-o", model, *how)
    last = err.splitlines()[-1]
    assert (code, out) == (1, ""), err
    assert "No window shows 'a', 'b' for three quarters of its length; a shorter --window" in last


@pytest.mark.slow
@pytest.mark.parametrize("how", [[], ["--full", "--epochs", "1"]])
def test_one_action_is_told_from_the_time_without_it(how, clips, base, tmp_path, run):
    rows = [f"{clips / LABELS[0] / f'{n}.mp4'},waving,0,1" for n in range(3)]
    (tmp_path / "x.csv").write_text("\n".join(rows))
    model = str(tmp_path / "model")
    windows = ["--window", "0.5", "--stride", "0.25"]
    code, out, err = run(
        "train", str(tmp_path / "x.csv"), "--from", str(base), "-o", model, *windows, *how
    )
    assert code == 0, err
    assert "waving" in out
    assert "none of these" in out
    code, out, err = run(str(clips / LABELS[0] / "0.mp4"), "-m", model, "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["sampling"]["window_seconds"] == 0.5  # what it learned from suits it
    assert document["model"]["num_labels"] == 1
    assert [tag["label"] for tag in document["tags"]] == ["waving"]


@pytest.mark.slow
def test_a_kill_between_the_clips_and_their_notes_loses_neither(
    truths, base, tmp_path, monkeypatch
):
    whole = full(base)
    train_full(truths, str(tmp_path / "whole"), whole)

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("vidtag.training.fine_tuning.np.load", killed)
        with pytest.raises(Killed):
            train_full(truths, str(tmp_path / "killed"), whole)
    train_full(truths, str(tmp_path / "killed"), whole)
    name = "model.safetensors"
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()
