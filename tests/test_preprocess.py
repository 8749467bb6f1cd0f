"""Preprocessing against the reference processors, and what configs may say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tiny_models import preprocessor_values

from vidtag.clips.preparing import Preprocessing, prepare_with_pillow, prepare_with_torch
from vidtag.clips.processors import PreprocessorError, parse_preprocessing, read_preprocessing
from vidtag.models.architectures import ARCHITECTURES
from vidtag.video.frames import Image

SIZES = [(48, 64), (64, 48), (31, 37), (200, 33), (33, 200), (32, 32), (20, 24), (240, 426)]


def picture(height: int, width: int, seed: int = 0) -> Image:
    """Noise on a slope: hard edges and smooth parts."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 120, (height, width, 3))
    slope = np.linspace(0, 135, width)[None, :, None] + np.zeros((height, 1, 3))
    return (noise + slope).astype(np.uint8)


def parsed(architecture: str, image_size: int = 32, **changes: Any) -> Preprocessing:
    _, values = preprocessor_values(architecture, image_size)
    return parse_preprocessing({**values, **changes}, ARCHITECTURES[architecture].processor)


def normalised(prepared: Image, preprocessing: Preprocessing) -> npt.NDArray[np.float32]:
    mean, std = preprocessing.level_affine()
    result: npt.NDArray[np.float32] = (prepared.astype(np.float32) - np.float32(mean)) / np.float32(
        std
    )
    return result


def assert_close_to_reference(
    prepared: Image, reference: npt.NDArray[np.float32], preprocessing: Preprocessing
) -> None:
    """Compare with what a reference image processor gives: hardly a value is another level."""
    mean, std = preprocessing.level_affine()
    levels = reference.transpose(1, 2, 0) * np.float32(std) + np.float32(mean)
    np.testing.assert_allclose(levels, levels.round(), rtol=0, atol=2e-3)
    apart = np.abs(prepared.astype(int) - levels.round().astype(int))
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.005


@pytest.mark.parametrize("architecture", ["videomae", "timesformer"])
@pytest.mark.parametrize("size", SIZES)
def test_pillow_path_follows_the_reference_image_processor(
    architecture: str, size: tuple[int, int]
) -> None:
    from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

    _, values = preprocessor_values(architecture, 32)
    image, preprocessing = picture(*size), parsed(architecture)
    reference = VideoMAEImageProcessorPil(**values)([image], return_tensors="np")
    prepared = prepare_with_pillow(image, preprocessing)
    assert_close_to_reference(prepared, reference["pixel_values"][0][0], preprocessing)
    if size != (240, 426):  # nothing is left out while it is resized
        np.testing.assert_allclose(
            normalised(prepared, preprocessing).transpose(2, 0, 1),
            reference["pixel_values"][0][0],
            rtol=0,
            atol=2e-6,
        )


@pytest.mark.parametrize("size", SIZES)
def test_vivit_is_rescaled_with_an_offset(size: tuple[int, int]) -> None:
    from transformers.models.vivit.image_processing_vivit import VivitImageProcessor

    _, values = preprocessor_values("vivit", 32)
    image, preprocessing = picture(*size), parsed("vivit")
    reference = VivitImageProcessor(**values)([image], return_tensors="np")["pixel_values"][0][0]
    prepared = prepare_with_pillow(image, preprocessing)
    assert_close_to_reference(prepared, reference, preprocessing)
    ours = normalised(prepared, preprocessing)
    assert ours.min() < -1.5, "0 becomes -1 and then (-1 - 0.5) / 0.5"


@pytest.mark.parametrize("architecture", ["videomae", "vivit", "vjepa2"])
@pytest.mark.parametrize("size", SIZES)
def test_torch_and_pillow_differ_by_one_level_at_most(
    architecture: str, size: tuple[int, int]
) -> None:
    image, preprocessing = picture(*size), parsed(architecture)
    with_torch = prepare_with_torch(image, preprocessing)
    with_pillow = prepare_with_pillow(image, preprocessing)
    assert with_torch.shape == with_pillow.shape == (32, 32, 3)
    assert with_torch.dtype == with_pillow.dtype == np.uint8
    assert np.abs(with_torch.astype(int) - with_pillow.astype(int)).max() <= 1


def test_vjepa2_resizes_by_its_own_rule_whatever_the_file_says() -> None:
    preprocessing = parsed("vjepa2", 256, size={"shortest_edge": 256})
    assert preprocessing.shortest_edge == 292
    assert preprocessing.resized(1080, 1920) == (292, 519)


def test_the_longer_edge_is_rounded_down() -> None:
    assert parsed("videomae", 224).resized(1080, 1920) == (224, 398)
    assert parsed("videomae", 224).resized(1920, 1080) == (398, 224)
    assert parsed("videomae", 224).resized(224, 224) == (224, 224)


def test_smaller_pictures_are_padded_with_black() -> None:
    preprocessing = parsed("videomae", do_resize=False)
    image = np.full((19, 40, 3), 200, np.uint8)
    for prepare in (prepare_with_pillow, prepare_with_torch):
        prepared = prepare(image, preprocessing)
        assert prepared.shape == (32, 32, 3)
        assert (prepared[:6] == 0).all()
        assert (prepared[6:25] == 200).all()
        assert (prepared[25:] == 0).all()


def test_without_a_crop_the_picture_is_squeezed() -> None:
    preprocessing = parsed("videomae", do_center_crop=False, size={"height": 32, "width": 32})
    assert prepare_with_torch(picture(40, 90), preprocessing).shape == (32, 32, 3)


def test_nothing_is_rescaled_or_normalised_where_the_file_says_so() -> None:
    preprocessing = parsed("videomae", do_rescale=False, do_normalize=False)
    assert preprocessing.level_affine() == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    preprocessing = parsed("vivit", offset=False, do_normalize=False)
    assert preprocessing.level_affine() == ((0.0, 0.0, 0.0), pytest.approx((127.5,) * 3))


def test_old_files_give_sizes_as_numbers() -> None:
    preprocessing = parse_preprocessing({"size": 224, "crop_size": 224}, "VideoMAEImageProcessor")
    assert (preprocessing.shortest_edge, preprocessing.image_size) == (224, 224)


@pytest.mark.parametrize("prepare", [prepare_with_torch, prepare_with_pillow])
def test_any_memory_layout_will_do(prepare: Any) -> None:
    preprocessing, image = parsed("videomae"), picture(48, 64)
    frozen, flipped = image.copy(), image[:, ::-1]
    frozen.flags.writeable = False
    expected = prepare(image, preprocessing)
    assert (prepare(frozen, preprocessing) == expected).all()
    assert (prepare(flipped, preprocessing) == prepare(flipped.copy(), preprocessing)).all()
    assert expected.flags.c_contiguous
    assert prepare(image[:32, :32], preprocessing).flags.c_contiguous


@pytest.mark.parametrize("prepare", [prepare_with_torch, prepare_with_pillow])
@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 4), (0, 32, 3)])
def test_what_is_no_picture_is_a_programmers_mistake(prepare: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        prepare(np.zeros(shape, np.uint8), parsed("videomae"))


def test_files_are_looked_up_in_the_order_of_transformers(tmp_path: Path) -> None:
    def write(name: str, edge: int, nested: str | None = None) -> None:
        values: dict[str, Any] = {"size": {"shortest_edge": edge}}
        (tmp_path / name).write_text(json.dumps({nested: values} if nested else values))

    write("preprocessor_config.json", 1)
    assert read_preprocessing(tmp_path, "VideoMAEImageProcessor").shortest_edge == 1
    write("video_preprocessor_config.json", 2)
    assert read_preprocessing(tmp_path, "VideoMAEImageProcessor").shortest_edge == 2
    write("processor_config.json", 3, "tokenizer")
    assert read_preprocessing(tmp_path, "VideoMAEImageProcessor").shortest_edge == 2
    write("processor_config.json", 4, "video_processor")
    assert read_preprocessing(tmp_path, "VideoMAEImageProcessor").shortest_edge == 4


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PreprocessorError, match="no preprocessor_config") as caught:
        read_preprocessing(tmp_path, "VideoMAEImageProcessor")
    assert caught.value.code == "missing_preprocessor"


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"resample": 6}',
        '{"resample": "bicubic"}',
        '{"do_resize": "yes"}',
        '{"rescale_factor": 0}',
        '{"image_mean": NaN}',
        '{"image_mean": [0.5, 0.5, Infinity]}',
        '{"size": {"height": 224}}',
        '{"size": {"max_height": 224, "max_width": 224}}',
        '{"size": {"height": 32, "width": 32, "shortest_edge": 32}}',
        '{"use_square_size": true}',
        '{"crop_size": {"height": 32, "width": 48}}',
        '{"crop_size": {"height": 32}}',
        '{"size": {"shortest_edge": 0}}',
        '{"size": {"shortest_edge": "big"}}',
        '{"size": {"longest_edge": 300}}',
        '{"do_center_crop": false}',
        '{"image_mean": [0.5, 0.5]}',
        '{"image_std": [0, 0, 0]}',
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(PreprocessorError) as caught:
        read_preprocessing(tmp_path, "VideoMAEImageProcessor")
    assert caught.value.code == "bad_preprocessor"
    assert "\n" not in str(caught.value)
