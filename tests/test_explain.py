"""Explanations: the values, occlusion, measures and pictures, without torch."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from vidtag.errors import ModelMismatchError, UsageError
from vidtag.explain.explanation import Explanation, TokenGrid, as_evidence
from vidtag.explain.measures import (
    Measures,
    mass_on,
    measure,
    moving_pixels,
    read_measures,
    spread,
    top_mass,
)
from vidtag.explain.methods import explain_window, find_label, token_grid
from vidtag.explain.occlusion import Blocks, choose_blocks, cover, mean_colour, occlusion
from vidtag.explain.pictures import (
    ExplainedClip,
    animate,
    draw_sheet,
    embed,
    encode_animation,
    encode_png,
    overlay,
)
from vidtag.models.classifier import ClassifierInfo

GRID = TokenGrid(num_frames=8, image_size=64, tubelet=2, patch=16)
INFO = ClassifierInfo(
    model_id="planted",
    revision=None,
    num_frames=8,
    image_size=64,
    licence=None,
    window_seconds=Fraction(1),
    stride_seconds=Fraction(1, 2),
    engine="planted",
    device="cpu",
    precision="fp32",
    batch_size=5,
)


PLACE = (slice(None), slice(4, 6), slice(16, 32), slice(32, 48))
"""Where `Planted` looks: clips, frames, rows, columns."""


@dataclass
class Planted:
    """Says "red" the more, the redder one place is at one time; looks nowhere else."""

    labels: tuple[str, ...] = ("red", "not red")
    info: ClassifierInfo = INFO
    batches: list[int] = field(default_factory=list)

    def prepare(self, image):
        return image

    def logits(self, clips):
        self.batches.append(len(clips))
        place = clips[PLACE].astype(np.float32)
        redness = (place[..., 0] - place[..., 1:].mean(-1)).mean((1, 2, 3)) / 64
        return np.stack([redness, -redness], 1).astype(np.float32)


@pytest.fixture
def clip():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (8, 64, 64, 3), np.uint8)
    pixels[4:6, 16:32, 32:48] = (255, 0, 0)
    return pixels


def an_explanation(evidence=None, label="red"):
    if evidence is None:
        evidence = np.zeros(GRID.shape)
        evidence[2, 1, 2] = 1
    return Explanation(
        method="occlusion",
        label=label,
        index=0,
        score=0.9,
        start_seconds=Fraction(3),
        end_seconds=Fraction(4),
        evidence=as_evidence(evidence),
        grid=GRID,
    )


def test_evidence_is_non_negative_and_sums_to_one():
    evidence = as_evidence(np.random.default_rng(0).standard_normal(GRID.shape))
    assert evidence.dtype == np.float32
    assert (evidence >= 0).all()
    assert evidence.sum(dtype=np.float64) == pytest.approx(1)


@pytest.mark.parametrize("values", [0.0, -1.0, np.nan])
def test_a_map_that_says_nothing_is_even(values):
    assert np.allclose(as_evidence(np.full(GRID.shape, values)), 1 / np.prod(GRID.shape))


def test_profile_and_evidence_tell_when_and_where():
    explanation = an_explanation()
    assert explanation.temporal_profile.tolist() == [0, 0, 1, 0]
    assert np.argwhere(explanation.evidence.sum(axis=0)).tolist() == [[1, 2]]
    assert explanation.peak_seconds == 3 + Fraction(5, 8)
    assert "evidence (4, 4, 4)" in repr(explanation)


def test_an_explanation_refuses_a_map_of_another_shape():
    with pytest.raises(ValueError, match=r"\(2, 4, 4\).*\(4, 4, 4\)"):
        an_explanation(np.ones((2, 4, 4)))


def test_pixels_and_tokens_are_each_others_inverse():
    values = np.random.default_rng(0).random(GRID.shape).astype(np.float32)
    assert np.allclose(GRID.on_tokens(GRID.on_pixels(values)), values)
    odd = TokenGrid(num_frames=9, image_size=70, tubelet=2, patch=16)
    spread_out = odd.on_pixels(values)
    assert spread_out.shape == (9, 70, 70)
    assert not spread_out[8].any()
    assert not spread_out[:, 64:].any()


@pytest.mark.parametrize("shape", [(8, 14, 14), (8, 6, 6), (16, 16, 16), (1, 1, 1), (32, 20, 20)])
def test_blocks_tile_the_grid_within_the_budget(shape):
    blocks = choose_blocks(shape)
    covered = np.zeros(shape, int)
    boxes = list(blocks.boxes(shape))
    for box in boxes:
        covered[box] += 1
    assert (covered == 1).all()
    assert len(boxes) == blocks.count(shape)
    assert len(boxes) * np.prod(shape) <= 160_000


def test_covering_paints_the_tokens_and_nothing_else(clip):
    covered = np.zeros(GRID.shape, bool)
    covered[2, 1, 2] = True
    painted = cover(clip, GRID, covered)
    assert (painted[4:6, 16:32, 32:48] == mean_colour(clip)).all()
    painted[4:6, 16:32, 32:48] = clip[4:6, 16:32, 32:48]
    assert (painted == clip).all()


def test_occlusion_finds_the_one_place_that_the_model_looks_at(clip):
    model = Planted()
    explanation = explain_window(model, clip, 0, "occlusion", (Fraction(3), Fraction(4)))
    assert explanation.evidence[2, 1, 2] == pytest.approx(1, abs=1e-4)
    assert explain_window(model, clip, method="occlusion").label == "red"
    assert explanation.score == pytest.approx(float(1 / (1 + np.exp(-2 * 255 / 64))), abs=1e-4)
    assert max(model.batches) <= INFO.batch_size


def test_occlusion_by_coarse_boxes_marks_the_box(clip):
    values = occlusion(Planted(), clip, 0, GRID, Blocks(depth=2, side=2))
    assert np.argwhere(values > 0.5).tolist() == [
        [t, y, x] for t in (2, 3) for y in (0, 1) for x in (2, 3)
    ]


def test_a_model_without_insides_is_refused_in_one_line(clip):
    with pytest.raises(ModelMismatchError, match=r"planted.*--method occlusion") as caught:
        explain_window(Planted(), clip, 0, "relevance")
    assert caught.value.code == "not_explainable"
    assert "\n" not in str(caught.value)


def test_wrong_clips_and_labels_are_a_programmers_mistake(clip):
    with pytest.raises(ValueError, match="must be"):
        explain_window(Planted(), clip[:4], 0, "occlusion")
    with pytest.raises(ValueError, match="2 labels"):
        explain_window(Planted(), clip, 2, "occlusion")


def test_a_model_without_tokens_gets_usual_boxes():
    assert token_grid(Planted()) == GRID


def test_labels_are_found_whatever_their_capitals():
    assert find_label(["High Kick", "side kick"], " high kick", "m") == 0
    with pytest.raises(UsageError, match="no label 'hi kick'; did you mean 'High Kick'"):
        find_label(["High Kick", "side kick"], "hi kick", "m")
    with pytest.raises(UsageError, match="no label 'xyz'; vidtag labels -m m lists"):
        find_label(["High Kick"], "xyz", "m")


def test_spread_and_top_mass():
    assert spread(np.full(GRID.shape, 1 / 64)) == pytest.approx(1)
    one = an_explanation().evidence
    assert spread(one) == 0
    assert top_mass(one) == 1
    assert top_mass(np.full((10, 2, 5), 0.01)) == pytest.approx(0.1)


def test_moving_pixels_are_those_that_change():
    still = np.full((8, 64, 64, 3), 90, np.uint8)
    assert not moving_pixels(still).any()
    still[3:, 10:20, 10:20] = 200
    moving = moving_pixels(still)
    assert moving[2:4, 10:20, 10:20].all()
    assert moving.sum() == 2 * 100


def test_mass_on_pixels_is_shared_within_a_token():
    half = np.zeros((8, 64, 64), bool)
    half[4:6, 16:24, 32:48] = True
    assert mass_on(an_explanation().evidence, GRID, half) == pytest.approx(0.5)


def test_measures_tell_that_time_matters(clip):
    explanation = explain_window(Planted(), clip, 0, "occlusion")
    measures = measure(Planted(), clip, explanation)
    # The middle frame, 4, is red at the place; in half of the orders, other frames stand there.
    assert measures.score > 0.99
    assert measures.frozen_score == pytest.approx(measures.score)
    assert measures.shuffled_score < measures.score - 0.01
    assert measures.moving_gain is not None
    assert len(read_measures(measures)) == 4


def reading(**values):
    usual = {
        "spread": 0.5, "top_mass": 0.5, "moving_mass": 0.4, "moving_share": 0.1,
        "score": 0.9, "frozen_score": 0.1, "shuffled_score": 0.88,
    }  # fmt: skip
    return {row.name: row.reading for row in read_measures(Measures(**{**usual, **values}))}


def test_measures_are_read_out_in_words():
    assert "more than chance" in reading()["on moving parts"]
    assert "needs motion" in reading()["frames frozen"]
    assert "does not matter" in reading()["frames shuffled"]
    assert "nearly the same everywhere" in reading(top_mass=0.12)["top tenth of the map"]
    assert "avoids what moves" in reading(moving_mass=0.05)["on moving parts"]
    assert "Hardly anything" in reading(moving_share=0.0)["on moving parts"]
    assert "camera" in reading(moving_share=0.9)["on moving parts"]
    assert "too low" in reading(score=0.01)["frames frozen"]


@pytest.fixture
def explained(clip):
    return ExplainedClip(explanation=an_explanation(), clip=clip)


def test_the_overlay_glows_where_the_evidence_lies(explained):
    pictures = overlay(explained, 128)
    assert pictures.shape == (8, 128, 128, 3)
    brightness = pictures.astype(int).sum(-1)
    place = brightness[4:6, 40:56, 72:88].mean()
    assert place > 2 * brightness[:2].mean()


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_an_animation_can_be_read_again(explained, suffix):
    content = encode_animation([explained, explained], suffix, size=64)
    with av.open(io.BytesIO(content)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 16
    assert (frames[0].width, frames[0].height) == (128, 106)
    assert float(frames[1].pts * frames[1].time_base) == pytest.approx(0.12, abs=0.011)
    drawn = animate(explained, 64)[4].astype(int)
    assert np.abs(frames[4].to_ndarray(format="rgb24").astype(int) - drawn).mean() < 12


def test_the_embedded_animation_is_small_and_moves(explained):
    content = embed(explained)
    assert len(content) < 60_000
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.n_frames == 8
        assert picture.size == (160, 160)
        assert picture.info["loop"] == 0


def test_no_other_suffix_is_an_animation(explained):
    with pytest.raises(ValueError, match=r"\.avi"):
        encode_animation([explained], ".avi")


def test_the_contact_sheet_stacks_explanations(explained, clip):
    long_label = ExplainedClip(explanation=an_explanation(label="x" * 300), clip=clip)
    one, two = draw_sheet([explained]), draw_sheet([explained, long_label])
    assert two.shape == (2 * one.shape[0], *one.shape[1:])
    with Image.open(io.BytesIO(encode_png(two))) as picture:
        assert picture.size == (two.shape[1], two.shape[0])


def test_importing_it_loads_neither_torch_nor_ffmpeg():
    code = (
        "import sys, json, vidtag.explain, vidtag.explain.methods; "
        "print(json.dumps(sorted({'torch', 'av', 'PIL', 'transformers'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
