"""The drawn figures, the sample videos and the demo model that come out of sample_videos/."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vidtag import Part, Tagger
from vidtag.models.config import read_config
from vidtag.models.cost import model_cost
from vidtag.video import Video

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "sample_videos"
MODEL = ROOT / "vidtag" / "models" / "demo"
sys.path.insert(0, str(SCRIPTS))

from figures import dataset, samples  # noqa: E402 - the scripts are no installed package
from figures.actions import ACTIONS, LABELS, Action  # noqa: E402
from figures.body import TRACKED_JOINTS  # noqa: E402
from figures.casting import Script, sample_shot  # noqa: E402
from figures.rendering import render_clip  # noqa: E402
from figures.scenery import PLACES  # noqa: E402

KINETICS_NAMES = {
    "cartwheeling",
    "clapping",
    "deadlifting",
    "doing aerobics",
    "dribbling basketball",
    "exercising arm",
    "headbanging",
    "high kick",
    "hula hooping",
    "jogging",
    "lunge",
    "marching",
    "pull ups",
    "pumping fist",
    "punching bag",
    "push up",
    "side kick",
    "situp",
    "skipping rope",
    "somersaulting",
    "squat",
    "tai chi",
}
"""As the Kinetics-400 label list spells them."""

TIMES = np.arange(16) / 8


def shot_of(label: str, seed: int = 1, size: tuple[int, int] = (96, 96)):
    rng = np.random.default_rng([seed, LABELS.index(label)])
    return sample_shot(rng, Script(labels=(label,), size=size))


def truth_of(sample: samples.SampleVideo) -> list[dict[str, float | str]]:
    path = (SCRIPTS / sample.name).with_suffix(".json")
    return json.loads(path.read_text(encoding="utf-8"))["segments"]


def test_labels_are_kinetics_names() -> None:
    assert set(LABELS) == KINETICS_NAMES
    assert len(set(LABELS)) == len(LABELS) >= 16


@pytest.mark.parametrize("label", LABELS)
def test_a_clip_has_its_shape_and_moves(label: str) -> None:
    clip = render_clip(shot_of(label), TIMES)
    assert clip.frames.shape == (16, 96, 96, 3)
    assert clip.frames.dtype == np.uint8
    assert clip.joints.shape == (16, len(TRACKED_JOINTS), 2)
    assert clip.joints.dtype == np.float32
    assert np.isfinite(clip.joints).all()
    assert np.ptp(clip.joints, axis=0).max() > 1
    assert np.ptp(clip.frames.astype(int), axis=0).max() > 40


@pytest.mark.slow
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.label)
def test_the_figure_is_in_the_picture(action: Action) -> None:
    joints = np.concatenate(
        [render_clip(shot_of(action.label, seed), TIMES[::4]).joints for seed in range(6)]
    )
    inside = ((joints >= 0) & (joints < 96)).all(-1).mean(0)
    head_and_shoulders = inside[: TRACKED_JOINTS.index("shoulder1") + 1]
    assert head_and_shoulders.min() > 0.8
    # Half-length views leave out the legs.
    assert inside.mean() > (0.6 if action.framing == "any" else 0.9)


def test_rendering_is_deterministic() -> None:
    first, second = (dataset.make_training_example(3, seed=0) for _ in range(2))
    assert (first.frames == second.frames).all()
    assert (first.joints == second.joints).all()
    assert (dataset.make_training_example(3, seed=1).frames != first.frames).any()


def test_splits_share_nothing() -> None:
    clips = [
        make(5, 0)
        for make in (
            dataset.make_training_example,
            dataset.make_validation_example,
            dataset.make_test_example,
        )
    ]
    for i, clip in enumerate(clips):
        for other in clips[i + 1 :]:
            assert (clip.frames != other.frames).mean() > 0.5


def test_frames_do_not_depend_on_how_many_are_asked_for() -> None:
    shot = shot_of("jogging")
    shot = dataclasses.replace(shot, film=dataclasses.replace(shot.film, grain=0.0, flicker=0.0))
    together = render_clip(shot, TIMES)
    apart = render_clip(shot, TIMES[8:])
    assert np.allclose(together.joints[8:], apart.joints, atol=1e-3)


def test_size_only_scales_the_picture() -> None:
    small = render_clip(shot_of("squat"), TIMES)
    shot = dataclasses.replace(shot_of("squat"), size=(320, 192))
    wide = render_clip(shot, TIMES)
    assert wide.frames.shape == (16, 192, 320, 3)
    assert np.allclose(wide.joints - (64, 0), small.joints * 2, atol=0.1)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_can_be_painted(place: str) -> None:
    shot = dataclasses.replace(shot_of("tai chi"), place=place)
    frames = render_clip(shot, TIMES[:1]).frames
    assert frames.std() > 5


def test_takes_glide_into_each_other() -> None:
    rng = np.random.default_rng(4)
    shot = sample_shot(rng, Script(labels=("squat", "push up"), changes=(2.0,)))
    shot = dataclasses.replace(shot, blend_seconds=0.5)
    joints = render_clip(shot, np.arange(120) / 30).joints
    assert np.abs(np.diff(joints, axis=0)).max() < 12


def test_a_straddling_clip_tells_its_shares() -> None:
    example = dataset.make_straddling(dataset.split_rng("train", 9), "lunge")
    assert example.labels[0] == LABELS.index("lunge")
    assert example.labels[0] != example.labels[1]
    assert 0 <= example.first_share <= 1


def test_frames_on_screen_are_never_from_the_future() -> None:
    for index in range(50):
        times = dataset.on_screen_times(np.random.default_rng(index), 16)
        late = (np.arange(16) + 0.5) / 8 - times
        assert (np.diff(times) >= -0.031).all()
        assert late.min() >= -1e-9
        assert late.max() < 1 / 12 + 0.031


@pytest.mark.parametrize("size", [(128, 128), (171, 96), (97, 200)])
def test_fit_to_model_agrees_with_the_reference_processor(size: tuple[int, int]) -> None:
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(MODEL, backend="pil")
    frames = np.random.default_rng(0).integers(0, 255, (2, size[1], size[0], 3), np.uint8)
    wanted = processor(list(frames), return_tensors="np", do_normalize=False)["pixel_values"][0]
    ours = dataset.fit_to_model(frames).transpose(0, 3, 1, 2) / 255
    assert np.abs(ours - wanted).max() < 1.5 / 255


def test_sample_videos_are_few_and_small() -> None:
    assert len(samples.SAMPLES) >= 4
    assert sum((SCRIPTS / sample.name).stat().st_size for sample in samples.SAMPLES) < 8e6
    assert sum(sample.name.endswith(".webm") for sample in samples.SAMPLES) == 1
    assert any(sample.on_its_side for sample in samples.SAMPLES)
    assert any(sample.irregular for sample in samples.SAMPLES)


@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.name)
def test_a_truth_tiles_its_video(sample: samples.SampleVideo) -> None:
    segments = truth_of(sample)
    assert segments == sample.segments()
    assert len(segments) >= 2
    assert segments[0]["start_seconds"] == 0
    for before, after in itertools.pairwise(segments):
        assert before["end_seconds"] == after["start_seconds"]
    assert all(set(segment) == {"start_seconds", "end_seconds", "label"} for segment in segments)
    assert all(segment["end_seconds"] > segment["start_seconds"] for segment in segments)
    assert {segment["label"] for segment in segments} <= KINETICS_NAMES
    with av.open(str(SCRIPTS / sample.name)) as container:
        duration = container.duration / av.time_base
    assert 8 <= duration <= 30
    assert segments[-1]["end_seconds"] == pytest.approx(duration, abs=0.05)


@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_video_is_stored_as_planned(sample: samples.SampleVideo) -> None:
    with av.open(str(SCRIPTS / sample.name)) as container:
        stream = container.streams.video[0]
        frames = [frame for _, frame in zip(range(40), container.decode(stream), strict=False)]
        assert stream.codec_context.name in ("h264", "vp9")
        assert stream.codec_context.pix_fmt == "yuv420p"
    stored = (frames[0].width, frames[0].height)
    assert stored == (sample.size[::-1] if sample.on_its_side else sample.size)
    assert (round(frames[0].rotation / 90) % 4 != 0) == sample.on_its_side
    gaps = np.diff([float(frame.pts * frame.time_base) for frame in frames])
    assert (gaps > 0).all()
    if sample.irregular:
        assert gaps.max() > 1.5 * gaps.min()
    else:
        assert gaps == pytest.approx(float(1 / sample.rate), abs=0.002)


def test_the_rotated_sample_stands_upright() -> None:
    sample = next(sample for sample in samples.SAMPLES if sample.on_its_side)
    with av.open(str(SCRIPTS / sample.name)) as container:
        frame = next(container.decode(video=0))
    shown = np.rot90(frame.to_ndarray(format="rgb24"), k=round(frame.rotation / 90) % 4)
    drawn = render_clip(samples.make_shot(sample), np.array([0.0])).frames[0]
    assert shown.shape == drawn.shape
    assert np.abs(shown.astype(int) - drawn).mean() < 6


def test_a_sample_is_written_again_with_the_same_frames(tmp_path: Path) -> None:
    sample = dataclasses.replace(
        samples.SAMPLES[0],
        size=(128, 72),
        rate=Fraction(10),
        actions=(("squat", 1.0), ("clapping", 1.0)),
    )
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        video, truth = samples.write_sample(sample, tmp_path / name)
        assert json.loads(truth.read_text(encoding="utf-8"))["segments"] == sample.segments()
        with Video(str(video), Part()) as reading:
            written.append(np.stack([frame.to_rgb() for frame in reading.frames()]))
            assert reading.info().duration_seconds == 2
    assert len(written[0]) == 20
    assert (written[0] == written[1]).all()


@pytest.fixture(scope="module")
def model():
    from figures.evaluation import load_model

    return load_model(MODEL)


def test_the_model_is_complete_and_small(model) -> None:
    cost = model_cost(read_config(MODEL, "demo"))
    assert cost is not None
    assert cost.parameters <= 5_000_000
    assert (MODEL / "model.safetensors").stat().st_size <= 10_000_000
    assert tuple(model.labels) == LABELS
    assert len(model.labels) == len(ACTIONS)


@pytest.mark.slow
def test_the_model_names_unseen_clips(model) -> None:
    from figures.evaluation import predict

    # A split of its own: neither trained on nor part of the test set.
    examples = [
        dataset.make_single(dataset.split_rng("quick look", index), LABELS[index % len(LABELS)])
        for index in range(60)
    ]
    best = predict(model, [example.frames for example in examples]).argmax(1)
    assert np.mean(best == [example.labels[0] for example in examples]) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.name)
def test_the_timeline_of_a_sample_is_right(model, sample: samples.SampleVideo) -> None:
    from figures.evaluation import right_seconds

    steps = list(Tagger(model).steps(SCRIPTS / sample.name))
    truth = [
        (part["start_seconds"], part["end_seconds"], LABELS.index(part["label"]))
        for part in truth_of(sample)
    ]
    assert right_seconds(steps, truth) >= 0.9 * float(steps[-1].end_seconds)


def test_learning_rates_rise_stay_and_fall() -> None:
    from figures.batches import Recipe
    from figures.training import learning_rate_factor

    recipe = Recipe(steps=1000)
    factors = np.array([learning_rate_factor(step, recipe) for step in range(1000)])
    assert factors[0] < 0.02
    assert (factors[100:550] == 1).all()
    assert 0 < factors[-1] < 0.01
    # A longer schedule is the same until the shorter one falls: runs can be prolonged.
    longer = Recipe(steps=2000)
    assert all(learning_rate_factor(step, longer) == factors[step] for step in range(550))


def test_joint_targets_mark_where_joints_are() -> None:
    from figures.batches import JOINT_KINDS, joint_targets

    joints = np.full((1, 16, len(TRACKED_JOINTS), 2), -50, np.float32)
    joints[0, :, TRACKED_JOINTS.index("head")] = (40, 20)
    targets = joint_targets(joints).reshape(8, 6, 6, len(JOINT_KINDS), 5)
    assert targets[..., 0].sum() == 8
    head = targets[0, 1, 2, JOINT_KINDS.index("head")]
    assert head.tolist() == [1.0, 0.0, -0.25, 0.0, 0.0]
