"""Scores against transformers' own processor and forward pass, for each processor class."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference_processors as reference
import torch
from tiny_models import ARCHITECTURES, make_tiny_model

from vidtag.clips.preparing import prepare_with_pillow, prepare_with_torch
from vidtag.clips.processor_rules import RULES
from vidtag.clips.processors import PreprocessorError, parse_preprocessing, read_preprocessing
from vidtag.errors import ModelError
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions

SIDE = 32
SQUARE = {"height": SIDE, "width": SIDE}
CROP = {"size": {"shortest_edge": SIDE}, "crop_size": SQUARE}
WIDER = {"size": {"shortest_edge": 40}, "crop_size": SIDE}
HALVES = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3]}

# (architecture of the weights, key, class as the file names it, what else the file says)
FOLDERS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("vivit", "image_processor_type", "VideoMAEImageProcessor", CROP),
    ("vivit", "image_processor_type", "VideoMAEImageProcessor", {**CROP, "offset": True}),
    ("vivit", "feature_extractor_type", "VideoMAEFeatureExtractor", CROP),
    ("timesformer", "feature_extractor_type", "VideoMAEFeatureExtractor", CROP),
    ("timesformer", "image_processor_type", "VideoMAEImageProcessorPil", CROP),
    ("timesformer", "video_processor_type", "TimesformerVideoProcessor", CROP),
    ("vivit", "video_processor_type", "VivitVideoProcessor", {**WIDER, "offset": False}),
    ("vivit", "video_processor_type", "VivitVideoProcessor", {**WIDER, "do_rescale": False}),
    ("vivit", "image_processor_type", "VivitImageProcessor", {**WIDER, "offset": False}),
    ("vivit", "image_processor_type", "VivitImageProcessor", {**WIDER, "do_normalize": False}),
    ("vivit", "image_processor_type", "VivitImageProcessor", {**WIDER, "rescale_factor": 1 / 255}),
    ("videomae", "image_processor_type", "VivitImageProcessor", WIDER),
    (
        "videomae",
        "image_processor_type",
        "VideoMAEImageProcessor",
        {"size": SIDE, "default_to_square": True, "do_center_crop": False},
    ),
    (
        "videomae",
        "video_processor_type",
        "VideoMAEVideoProcessor",
        {"size": 40, "default_to_square": True, "crop_size": SIDE},
    ),
    (
        "vivit",
        "image_processor_type",
        "VivitImageProcessor",
        {"size": 40, "default_to_square": True, "crop_size": SIDE},
    ),
    (
        "videomae",
        "image_processor_type",
        "VideoMAEImageProcessor",
        {"default_to_square": True, "crop_size": SIDE},  # the class's own size is an edge
    ),
    ("vjepa2", "video_processor_type", "VideoMAEVideoProcessor", CROP),
    ("vjepa2", "image_processor_type", "VideoMAEImageProcessorFast", {**CROP, **HALVES}),
    ("vjepa2", "video_processor_type", "VJEPA2VideoProcessor", {**CROP, "crop_size": SIDE}),
    ("videomae", "video_processor_type", "VJEPA2VideoProcessor", {"crop_size": SQUARE}),
    ("videomae", "image_processor_type", "ViTImageProcessor", {"size": SIDE}),
    ("videomae", "image_processor_type", "ViTImageProcessorFast", {"size": [SIDE, SIDE]}),
    ("videomae", "feature_extractor_type", "ViTFeatureExtractor", {"size": SQUARE, **HALVES}),
    ("videoprism_vision_model", "video_processor_type", "LlavaOnevisionVideoProcessor", {}),
    (
        "videoprism_vision_model",
        "video_processor_type",
        "LlavaOnevisionVideoProcessor",
        {"size": SQUARE, "do_normalize": False},
    ),
    ("videomae", "image_processor_type", "CLIPImageProcessor", CROP),
    ("videomae", "image_processor_type", "ChineseCLIPImageProcessor", CROP),
    ("videomae", "image_processor_type", "BitImageProcessor", WIDER),
    ("videomae", "image_processor_type", "DeiTImageProcessor", {"size": 40, "crop_size": SIDE}),
    ("videomae", "image_processor_type", "SiglipImageProcessor", {"size": SQUARE}),
    ("videomae", "image_processor_type", "ConvNextImageProcessor", {"size": SIDE}),
    (
        "videomae",
        "image_processor_type",
        "ConvNextImageProcessor",
        {"size": {"shortest_edge": SIDE}, "crop_pct": 0.8},
    ),
    ("videomae", "video_processor_type", "VideoLlavaVideoProcessor", CROP),
    ("videomae", "video_processor_type", "LlavaNextVideoVideoProcessor", CROP),
    *(
        ("videomae", "image_processor_type", "VideoMAEImageProcessor", {**WIDER, "resample": n})
        for n in range(4)
    ),
    (
        "videomae",
        "image_processor_type",
        "VideoMAEImageProcessor",
        {"size": {"shortest_edge": 40, "longest_edge": 44}, "crop_size": SIDE},
    ),
    ("videomae", "image_processor_type", "CLIPImageProcessor", {**CROP, "do_normalize": None}),
]


def base_name(named: str) -> str:
    name = named.removesuffix("Fast").removesuffix("Pil")
    return name.replace("FeatureExtractor", "ImageProcessor")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("weights")
    return {name: make_tiny_model(root / name, name) for name in ARCHITECTURES}


def folder_with(source: Path, target: Path, values: dict[str, Any]) -> Path:
    """Give a model folder another preprocessor config."""
    target.mkdir()
    for name in ("config.json", "model.safetensors"):
        (target / name).write_bytes((source / name).read_bytes())
    (target / "preprocessor_config.json").write_text(json.dumps(values))
    return target


def frames(count: int) -> list[Any]:
    """Noise on a slope, wide and small enough that no margin is padded."""
    rng = np.random.default_rng(3)
    slope = np.linspace(0, 135, 57)[None, :, None]
    return [(rng.integers(0, 120, (44, 57, 3)) + slope).astype(np.uint8) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "key", "named", "says"), FOLDERS)
def test_scores_are_those_of_the_reference(
    models: dict[str, Path],
    tmp_path: Path,
    architecture: str,
    key: str,
    named: str,
    says: dict[str, Any],
) -> None:
    from transformers import AutoModelForVideoClassification

    if not says:  # the class's own 384 pixels are not this model's
        says = {"size": SQUARE}
    folder = folder_with(models[architecture], tmp_path / "m", {key: named, **says})
    classifier = load_classifier(LoadOptions(model=str(folder), engine="torch", precision="fp32"))
    clip = frames(classifier.info.num_frames)
    logits = classifier.logits(np.stack([classifier.prepare(frame) for frame in clip])[None])

    pixels = reference.prepare(base_name(named), says, clip)
    model = AutoModelForVideoClassification.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        inputs = {model.main_input_name: torch.from_numpy(pixels.astype(np.float32))[None]}
        expected = model(**inputs).logits.reshape(1, -1)
    ours, theirs = torch.from_numpy(logits).softmax(-1), expected.softmax(-1)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(logits, expected.numpy(), rtol=1e-4, atol=1e-4)


def defaults_of(name: str) -> dict[str, Any]:
    """Read the defaults of a class of transformers, whichever way it has them."""
    if name in reference.VIDEO_PROCESSORS:
        return reference.class_defaults(name)
    made = reference.image_processor(name, {})
    known = ("size", "crop_size", "image_mean", "image_std", "resample", "rescale_factor", "offset")
    flags = ("do_center_crop", "do_normalize", "default_to_square")
    found = {key: getattr(made, key, None) for key in (*known, *flags)}
    return {
        k: dict(v) if hasattr(v, "items") or ("size" in k and v) else v for k, v in found.items()
    }


@pytest.mark.parametrize("name", [n for n in RULES if n != "VideoPrismVideoProcessor"])
def test_defaults_are_those_of_the_class(name: str) -> None:
    rules, theirs = RULES[name], defaults_of(name)
    size = theirs["size"]
    assert rules.size == size.get("shortest_edge", (size.get("height"), size.get("width")))
    crop = theirs.get("crop_size")
    crop = crop["height"] if isinstance(crop, dict) else crop
    assert rules.crop_size == (crop if theirs.get("do_center_crop") else None)
    assert rules.mean == tuple(theirs["image_mean"])
    assert rules.std == tuple(theirs["image_std"])
    assert rules.resample == ("nearest", "lanczos", "bilinear", "bicubic")[int(theirs["resample"])]
    assert rules.rescale_factor == theirs["rescale_factor"]
    assert rules.normalize == bool(theirs["do_normalize"])
    if theirs["default_to_square"] is not None and not rules.is_numpy:
        assert rules.is_square == theirs["default_to_square"]


def test_every_class_is_in_the_table() -> None:
    assert set(RULES) == {
        *reference.IMAGE_PROCESSORS,
        *reference.VIDEO_PROCESSORS,
        "VideoPrismVideoProcessor",
    }
    assert {base_name(named) for _, _, named, _ in FOLDERS} == set(RULES) - {
        "VideoPrismVideoProcessor"
    }


@pytest.mark.parametrize("name", ["VideoMAEImageProcessor", "VivitImageProcessor"])
@pytest.mark.parametrize("size", [(19, 40), (20, 24), (31, 31)])
def test_small_pictures_are_padded_as_the_class_does(name: str, size: tuple[int, int]) -> None:
    """Of an odd margin, torchvision has the smaller half first and NumPy the larger."""
    values: dict[str, Any] = {"do_resize": False, "crop_size": SIDE}
    image = np.full((*size, 3), 200, np.uint8)
    preprocessing = parse_preprocessing(values, name)
    top, left = (SIDE - size[0], max(0, SIDE - size[1]))
    first = 1 if name == "VivitImageProcessor" else 0
    for prepare in (prepare_with_torch, prepare_with_pillow):
        rows = np.flatnonzero(prepare(image, preprocessing)[:, SIDE // 2, 0])
        columns = np.flatnonzero(prepare(image, preprocessing)[SIDE // 2, :, 0])
        assert rows[0] == (top + first) // 2
        assert columns[0] == (left + first) // 2
    if name == "VivitImageProcessor":
        made = reference.image_processor(name, {**values, "offset": False})
        theirs = made([image], return_tensors="np")["pixel_values"][0][0]
        assert (np.flatnonzero(theirs[0, :, SIDE // 2] > 0) == rows).all()


SIZES = [(48, 64), (64, 48), (31, 37), (90, 33), (33, 90), (32, 32), (20, 24), (120, 213)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resample", range(6))
@pytest.mark.parametrize("squeeze", [True, False])
def test_both_ways_to_resample_are_one(size: tuple[int, int], resample: int, squeeze: bool) -> None:
    rng = np.random.default_rng(sum(size))
    hard = (rng.integers(0, 2, (*size, 3)) * 255).astype(np.uint8)
    soft = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    says = {"size": {"height": 40, "width": 40}, "do_center_crop": False} if squeeze else WIDER
    preprocessing = parse_preprocessing({**says, "resample": resample}, "VideoMAEImageProcessor")
    for image in (hard, soft):
        with_torch = prepare_with_torch(image, preprocessing).astype(int)
        without = prepare_with_pillow(image, preprocessing).astype(int)
        assert np.abs(with_torch - without).max() <= 1
        assert resample == 2 or (with_torch != without).mean() < 0.02


@pytest.mark.parametrize("resample", [0, 1, 3])
@pytest.mark.parametrize("size", [(48, 64), (200, 33), (31, 37)])
def test_enlarged_noise_stays_within_a_level(size: tuple[int, int], resample: int) -> None:
    """Two roundings of neighbouring weights once added up to two levels."""
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    preprocessing = parse_preprocessing({"resample": resample}, "ViTImageProcessor")
    with_torch = prepare_with_torch(image, preprocessing).astype(int)
    without = prepare_with_pillow(image, preprocessing).astype(int)
    assert np.abs(with_torch - without).max() <= 1


@pytest.mark.parametrize("resample", [4, 5])
def test_what_torch_lacks_is_resized_as_pillow_does(resample: int) -> None:
    says: dict[str, Any] = {**WIDER, "resample": resample}
    image = frames(1)[0]
    preprocessing = parse_preprocessing(says, "VideoMAEImageProcessor")
    mean, std = (np.float32(v).reshape(3, 1, 1) for v in preprocessing.level_affine())
    ours = (prepare_with_torch(image, preprocessing).transpose(2, 0, 1) - mean) / std
    made = reference.image_processor("VideoMAEImageProcessor", says)
    theirs = made([image], return_tensors="np")["pixel_values"][0][0]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    "named",
    ["PixtralImageProcessor", "Qwen2VLVideoProcessor", "MyProcessor", "x" * 5000, 7, "a\nb"],
)
def test_unknown_classes_are_refused_in_one_line(
    models: dict[str, Path], tmp_path: Path, named: object
) -> None:
    values = {**CROP, "image_processor_type": named}
    folder = folder_with(models["videomae"], tmp_path / "m", values)
    with pytest.raises(ModelError, match="knows the processors of VideoMAE") as caught:
        load_classifier(LoadOptions(model=str(folder), engine="torch"))
    assert caught.value.code == "bad_preprocessor"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_the_architecture_counts_only_where_no_class_is_named(
    models: dict[str, Path], tmp_path: Path
) -> None:
    def offset(number: int, **more: Any) -> float:
        folder = folder_with(models["vivit"], tmp_path / str(number), CROP)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **more}))
        classifier = load_classifier(
            LoadOptions(model=str(folder), engine="torch", precision="fp32")
        )
        pixels: Any = classifier
        return float(pixels._model.mean[0, 0, 0])

    assert offset(0) == pytest.approx((0.5 + 1) * 127.5)
    # config.json may name the class, too, as transformers reads it
    assert offset(1, image_processor_type="VideoMAEImageProcessor") == pytest.approx(127.5)
    assert offset(2, video_processor_type="VideoMAEVideoProcessor") == pytest.approx(127.5)


def test_videoprism_has_its_own_defaults() -> None:
    """Resized to 288 squares, in [0, 1]: its paper's repository, and its class in transformers."""
    preprocessing = parse_preprocessing({}, "VideoPrismVideoProcessor")
    assert (preprocessing.image_size, preprocessing.exact_size) == (288, (288, 288))
    assert preprocessing.resample == "bicubic"
    assert preprocessing.level_affine() == ((0.0,) * 3, pytest.approx((255.0,) * 3))


def test_a_file_for_videos_goes_before_one_for_images(tmp_path: Path) -> None:
    def write(name: str, values: dict[str, Any]) -> None:
        (tmp_path / name).write_text(json.dumps(values))

    def edge() -> int | None:
        return read_preprocessing(tmp_path, "VideoMAEImageProcessor").shortest_edge

    images = {"image_processor_type": "VideoMAEImageProcessor", "size": {"shortest_edge": 1}}
    write("preprocessor_config.json", images)
    write("processor_config.json", {"image_processor": {"size": {"shortest_edge": 2}}})
    assert edge() == 2
    videos = {"video_processor_type": "VideoMAEVideoProcessor", "size": {"shortest_edge": 3}}
    write("preprocessor_config.json", videos)
    assert edge() == 3
    write("video_preprocessor_config.json", {"size": {"shortest_edge": 4}})
    assert edge() == 4
    write("processor_config.json", {"video_processor": {"size": {"shortest_edge": 5}}})
    assert edge() == 5
    write("processor_config.json", {"video_processor": None})
    assert edge() == 4
    write("processor_config.json", {"video_processor": "other.json"})
    with pytest.raises(PreprocessorError, match="no JSON object"):
        edge()
