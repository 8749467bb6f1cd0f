"""Trainings that are killed or fail in the middle: what is said, and what the next run makes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from make_video import make_video
from tiny_models import make_tiny_model, on_torch

from vidtag import Settings
from vidtag.errors import ModelError, OutputError, VideoError
from vidtag.formats.truths.truth import LabelledVideo, Truths
from vidtag.training import devices
from vidtag.training.descent import Descent, Schedule, save_state
from vidtag.training.fine_tuning import FullOptions, train_full
from vidtag.training.pretraining import Pretrained, PretrainOptions, pretrain

torch = pytest.importorskip("torch")


class Killed(Exception):
    """What ends a run in the middle."""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("kills") / "base")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Paths of three videos, the last of which is none."""
    folder = tmp_path_factory.mktemp("videos")
    for n in range(2):
        make_video(folder / f"{n}.mp4", num_frames=25, fps=12, size=(32, 32))
    (folder / "broken.mp4").write_bytes(b"nothing" * 40)
    return [str(folder / name) for name in ("0.mp4", "1.mp4", "broken.mp4")]


@pytest.mark.parametrize("command", [("train", "--full"), ("pretrain",)])
def test_videos_that_can_not_be_read_are_blamed_and_not_the_disk(
    command, base, videos, tmp_path, run
):
    table = tmp_path / "labels.csv"
    table.write_text(f"{videos[2]},a,0,1\n")
    what = table if "--full" in command else videos[2]
    code, out, err = run(*command, str(what), "--from", str(base), "-o", str(tmp_path / "model"))
    last = err.splitlines()[-1]
    assert (code, out) == (1, "")
    assert "broken.mp4' is not a video that can be read" in last


def test_pretraining_on_nothing_is_one_line(base, tmp_path, run):
    code, out, err = run("pretrain", "--from", str(base), "-o", str(tmp_path / "model"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "nothing to learn from" in err


@pytest.mark.slow
def test_what_pretraining_left_out_is_still_said_after_a_kill(base, videos, tmp_path, run):
    options = PretrainOptions(
        load=on_torch(base), settings=Settings(), num_steps=3, batch_size=2, rate=1e-3
    )
    whole = pretrain(videos, str(tmp_path / "whole"), options)
    assert (whole.num_videos, len(whole.notes)) == (2, 1)

    def kill(done: int, total: int) -> None:
        if done == 1:
            raise Killed

    with pytest.raises(Killed):
        pretrain(videos, str(tmp_path / "killed"), options, advance=kill)
    result = pretrain(videos, str(tmp_path / "killed"), options)
    assert (result.num_videos, result.notes) == (2, whole.notes)
    cards = [(tmp_path / name / "README.md").read_bytes() for name in ("whole", "killed")]
    assert cards[0] == cards[1]


@contextmanager
def no_file_larger_than(num_bytes: int) -> Iterator[None]:
    """Stand in for a disk that is nearly full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_sentence(tmp_path):
    from safetensors.torch import save_file

    from vidtag.models.writing import put_folder

    weights = {"a": torch.zeros(100_000)}
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("old")
    with no_file_larger_than(50_000):
        with pytest.raises(OutputError, match=r"checkpoint\.pt'; make room"):
            save_state(tmp_path / "checkpoint.pt", weights)
        with pytest.raises(OutputError, match=r"Can't write .*model'"):
            put_folder(
                str(tmp_path / "model"), lambda place: save_file(weights, place / "x.safetensors")
            )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.partial", "model"]
    assert (tmp_path / "model" / "old").is_file()


class Layers(torch.nn.Module):
    """The least that has layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 2)])


@pytest.mark.parametrize(
    ("loss", "done"),
    [
        (lambda layer: layer.weight.sum() * float("nan"), 0),
        (lambda layer: torch.sqrt(layer.weight.sum() * 0), 1),  # 0, and its slope is no number
    ],
)
def test_a_training_that_went_astray_gives_no_model(loss, done, tmp_path):
    model, schedule = Layers(), Schedule(num_steps=1, rate=1e-3, warm_up=1)
    descent = Descent(model, schedule, tmp_path / "checkpoint.pt", "mine")
    with pytest.raises(ModelError, match=rf"after {done} updates .* a lower --rate"):
        descent.run(lambda part: loss(model.layers[0]), lambda done, total: None)


def test_too_little_memory_for_a_training_is_one_sentence(tmp_path):
    def fail(part: int) -> torch.Tensor:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    descent = Descent(
        Layers(), Schedule(num_steps=1, rate=1, warm_up=1), tmp_path / "checkpoint.pt", "mine"
    )
    with pytest.raises(ModelError, match="too little memory to train 'mine'") as raised:
        descent.run(fail, lambda done, total: None)
    assert raised.value.code == "out_of_memory"


@pytest.fixture(scope="module")
def truths(videos) -> Truths:
    made = [
        LabelledVideo(path=path, label=label) for path, label in zip(videos, "ab", strict=False)
    ]
    return Truths(videos=tuple(made), labels=("a", "b"))


def full(base, **values) -> FullOptions:
    return FullOptions(load=on_torch(base), settings=Settings(), epochs=2, rate=1e-3, **values)


@pytest.mark.slow
@pytest.mark.parametrize("size", [3, 4])
def test_an_update_takes_as_many_clips_as_was_asked_for(
    size, base, truths, videos, tmp_path, monkeypatch
):
    """However many go through the model at once."""
    monkeypatch.setattr(devices, "_PER_PASS", 1)  # two at once
    seen: list[int] = []
    from vidtag.training import fine_tuning, pretraining

    for module in (fine_tuning, pretraining):
        augment = module.augment
        monkeypatch.setattr(
            module,
            "augment",
            lambda clips, *rest, augment=augment: seen.append(len(clips)) or augment(clips, *rest),
        )
    train_full(truths, str(tmp_path / "model"), full(base, batch_size=size))
    num_steps = 2 * max(1, round(4 / size))
    assert seen == [len(part) for part in np.array_split(np.arange(size), 2)] * num_steps
    seen.clear()
    options = PretrainOptions(
        load=on_torch(base), settings=Settings(), num_steps=2, batch_size=size, rate=1e-3
    )
    pretrain(videos, str(tmp_path / "encoder"), options)
    assert sum(seen) == 2 * size


@pytest.mark.slow
def test_what_a_model_drops_of_its_own_is_decided_by_the_seed(base, truths, tmp_path):
    path = base / "config.json"
    before = path.read_text()
    path.write_text(json.dumps({**json.loads(before), "hidden_dropout_prob": 0.3}))
    try:
        for name in ("one", "two"):
            torch.manual_seed(hash(name))
            train_full(truths, str(tmp_path / name), full(base, batch_size=4))
    finally:
        path.write_text(before)
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("option", "value"), [("--seed", "-1"), ("--seed", str(2**63)), ("--rate", "1e300")]
)
def test_a_number_that_nothing_takes_is_wrong_usage(option, value, videos, tmp_path, run):
    for command in ("train", "pretrain"):
        code, out, err = run(command, videos[0], option, value, "-o", str(tmp_path / "model"))
        assert (code, out, err.count("\n")) == (2, "", 1), err


@pytest.mark.slow
def test_a_pretraining_that_taught_nothing_says_so(base, tmp_path, run):
    """On grain alone, in which nothing follows from what is seen."""
    rng = np.random.default_rng(0)
    path = tmp_path / "grain.mkv"
    make_video(
        path, num_frames=25, fps=12, size=(32, 32), codec="ffv1",
        draw=lambda _: rng.integers(0, 256, (32, 32, 3), dtype=np.uint8),
    )  # fmt: skip
    model = str(tmp_path / "model")
    arguments = ("pretrain", str(path), "--from", str(base), "-o", model, "--steps", "2")
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "the loss went from" in out
    assert "warning: it learned hardly anything" in err
    code, _, err = run(*arguments, "-q")
    assert (code, err) == (0, "")


def test_what_counts_as_learned():
    values = {
        "num_videos": 1, "num_clips": 1, "first_loss": 1.3, "notes": (), "seconds": 1.0,
    }  # fmt: skip
    assert Pretrained(**values, last_loss=0.95, normalises=True).is_in_vain
    assert not Pretrained(**values, last_loss=0.7, normalises=True).is_in_vain
    assert not Pretrained(**values, last_loss=0.95, normalises=False).is_in_vain
    assert not Pretrained(**values, last_loss=float("nan"), normalises=True).is_in_vain


@pytest.mark.slow
def test_a_video_that_breaks_off_is_read_in_part_and_said_to_be(
    base, truths, videos, tmp_path, monkeypatch
):
    from vidtag.training import fine_tuning, pretraining

    real = fine_tuning.open_part

    @contextmanager
    def breaking(path, *rest):
        with real(path, *rest) as reading:

            def windows():
                for number, window in enumerate(reading):
                    if path == videos[0] and number == 2:
                        raise VideoError(path, "read_failed", "It broke off.")
                    yield window

            class Broken:
                end_seconds = property(lambda _: reading.end_seconds)

                def __iter__(self):
                    return windows()

            yield Broken()

    for module in (fine_tuning, pretraining):
        monkeypatch.setattr(module, "open_part", breaking)
    settings = Settings(window_seconds=0.5, stride_seconds=0.25)
    options = FullOptions(load=on_torch(base), settings=settings, epochs=1, rate=1e-3)
    trained = train_full(truths, str(tmp_path / "model"), options)
    assert "read in part: It broke off." in trained.examples.notes
    how = PretrainOptions(
        load=on_torch(base), settings=settings, num_steps=1, batch_size=2, rate=1e-3
    )
    result = pretrain(videos[:2], str(tmp_path / "encoder"), how)
    assert result.notes == ("read in part: It broke off.",)
    assert result.num_videos == 2
