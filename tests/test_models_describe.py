"""What `vidtag models` says, against models that transformers builds."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_models import ARCHITECTURES, make_tiny_model
from tiny_word_models import WORD_ARCHITECTURES, make_tiny_word_model

from vidtag.aliases import ALIASES, DEFAULT_MODEL, alias_of
from vidtag.models import describe
from vidtag.models.architectures import ARCHITECTURES as KNOWN
from vidtag.models.config import ModelConfig, parse_config, unique_labels
from vidtag.models.cost import model_cost
from vidtag.models.describe import describe_alias, list_models, published_config
from vidtag.models.load import default_batch_size, default_window

HUB_ALIASES = [name for name, alias in ALIASES.items() if alias.hub_id]


def built(config: ModelConfig) -> tuple[int, float]:
    """Let transformers build the model without memory, and torch count its operations."""
    import transformers
    from torch.utils.flop_counter import FlopCounterMode
    from transformers.models.videomae import modeling_videomae

    if config.kind.text is not None:
        return built_with_text(config)
    values = {k: v for k, v in config.values.items() if k not in ("model_type", "label2id")}
    real = transformers.AutoConfig.for_model(config.architecture, **values)
    with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
        patch.setattr(
            modeling_videomae, "get_sinusoid_encoding_table", lambda n, d: torch.zeros(1, n, d)
        )
        model = transformers.AutoModelForVideoClassification.from_config(real).eval()
        model.requires_grad_(False)  # VideoPrism counts as it would run
        side = config.image_size
        clip = torch.zeros(1, config.num_frames, 3, side, side)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(**{config.kind.input_name: clip})
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return parameters, counter.get_total_flops() / 1e9


def built_with_text(config: ModelConfig) -> tuple[int, float]:
    """The same of a video-text model: what counts per window is its video tower."""
    import transformers
    from torch.utils.flop_counter import FlopCounterMode

    from vidtag.models.torch_engine import describe_to_transformers
    from vidtag.models.words.towers import split

    with torch.device("meta"):
        model = transformers.AutoModel.from_config(describe_to_transformers(config)).eval()
        model.requires_grad_(False)
        plain: Any = SimpleNamespace(level_affine=lambda: ((0.0,) * 3, (1.0,) * 3))
        video = split(model, config, plain, torch.float32)["video"]
        side = config.image_size
        clips = torch.zeros((1, config.num_frames, side, side, 3), dtype=torch.uint8)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            video(clips)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return parameters, counter.get_total_flops() / 1e9


@pytest.mark.slow
@pytest.mark.parametrize("alias", HUB_ALIASES)
def test_parameters_and_operations_are_those_of_the_real_model(alias: str) -> None:
    config = published_config(alias)
    cost = model_cost(config)
    assert cost is not None
    assert (cost.parameters, cost.gflops) == built(config)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_arithmetic_holds_for_odd_configurations(tmp_path: Path, architecture: str) -> None:
    make_tiny_model(tmp_path, architecture, num_labels=7, image_size=48, num_frames=4)
    values = json.loads((tmp_path / "config.json").read_text())
    config = parse_config({**values, "qkv_bias": False}, "tiny")
    cost = model_cost(config)
    assert cost is not None
    assert (cost.parameters, cost.gflops) == built(config)


@pytest.mark.parametrize("architecture", WORD_ARCHITECTURES)
def test_the_arithmetic_of_video_text_models_holds(tmp_path: Path, architecture: str) -> None:
    make_tiny_word_model(tmp_path, architecture, image_size=48, num_frames=4)
    config = parse_config(json.loads((tmp_path / "config.json").read_text()), "tiny")
    cost = model_cost(config)
    assert cost is not None
    assert (cost.parameters, cost.gflops) == built(config)


def test_x_clip_of_more_frames_is_known_by_its_config() -> None:
    vision = {"patch_size": 16, "num_frames": 32}
    config = parse_config({"model_type": "xclip", "vision_config": vision}, "x")
    cost = model_cost(config)
    assert cost is not None
    assert (cost.parameters, cost.gflops) == built(config)
    assert default_window(config) == (4, 2)


def test_an_unknown_arithmetic_is_left_open() -> None:
    space_only = parse_config({"model_type": "timesformer", "attention_type": "space_only"}, "x")
    assert model_cost(space_only) is None
    assert default_batch_size(space_only, "cpu") == 1
    assert default_batch_size(space_only, "cuda:0") == 4


@pytest.mark.slow
def test_videoprism_is_described_as_it_was_published() -> None:
    config = parse_config({"model_type": "videoprism_vision_model", "num_labels": 400}, "x")
    assert (config.num_frames, config.image_size) == (16, 288)
    cost = model_cost(config)
    assert cost is not None
    assert (cost.parameters, cost.gflops) == built(config)
    assert cost.tokens == 4096


def test_every_alias_is_listed_without_network_or_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = make_tiny_model(tmp_path / "demo", num_labels=18)
    monkeypatch.setattr(describe, "PACKAGED", {"demo": demo, "demo-words": demo})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    listed = {description.name: description for description in list_models()}
    assert list(listed) == list(ALIASES)
    base = listed["base"]
    assert (base.num_frames, base.image_size, base.num_labels) == (16, 224, 400)
    assert base.parameters is not None
    assert base.gflops is not None
    assert (base.tokens, round(base.parameters / 1e6), round(base.gflops)) == (1568, 87, 361)
    assert (base.licence, base.is_cached) == ("cc-by-nc-4.0", False)
    assert listed["timesformer"].num_frames == 8
    assert listed["vivit"].num_frames == 32
    assert (listed["vjepa2-ssv2"].image_size, listed["vjepa2-ssv2"].num_labels) == (256, 174)
    assert listed["demo"].is_cached
    assert listed["demo"].num_labels == 18


def test_a_cached_model_is_described_from_its_own_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "a" * 40
    repository = tmp_path / "models--MCG-NJU--videomae-base-finetuned-kinetics"
    make_tiny_model(repository / "snapshots" / commit, num_labels=9)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    description = describe_alias("base")
    assert description.is_cached
    assert description.num_labels == 9
    (repository / "snapshots" / commit / "config.json").write_text("damaged")
    assert describe_alias("base").num_labels == 400
    (repository / "snapshots" / commit / "model.safetensors").unlink()
    assert not describe_alias("base").is_cached


@pytest.mark.parametrize(
    ("alias", "window"),
    [
        ("base", 2),
        ("ssv2", 2),
        ("timesformer", Fraction(128, 15)),
        ("vivit", Fraction(32, 15)),
        ("vjepa2-ssv2", 2),
    ],
)
def test_windows_are_those_that_the_models_were_trained_on(alias: str, window: Fraction) -> None:
    assert default_window(published_config(alias)) == (window, Fraction(window) / 2)


@pytest.mark.parametrize(
    ("architecture", "num_frames", "window"),
    [
        ("timesformer", 8, Fraction(128, 15)),
        ("timesformer", 16, Fraction(128, 15)),  # HR: at half the stride
        ("timesformer", 96, Fraction(64, 5)),
        ("timesformer", 4, Fraction(1, 2)),
        ("vivit", 32, Fraction(32, 15)),
        ("vivit", 16, 2),
        ("videomae", 16, 2),
        ("videomae", 8, 1),
        ("videoprism_vision_model", 16, 2),
    ],
)
def test_windows_follow_from_architecture_and_frames(
    architecture: str, num_frames: int, window: Fraction
) -> None:
    config = parse_config({"model_type": architecture, "num_frames": num_frames}, "x")
    assert default_window(config) == (window, Fraction(window) / 2)


def test_large_models_go_one_by_one_on_a_cpu_and_small_ones_together() -> None:
    base = published_config("base")
    tiny = parse_config({"model_type": "videomae", "hidden_size": 96, "image_size": 112}, "x")
    assert default_batch_size(base, "cpu") == 1
    assert default_batch_size(tiny, "cpu") == 8
    assert default_batch_size(base, "cuda:0") == 16
    assert default_batch_size(published_config("huge"), "cuda:1") == 2


def test_the_registry_says_what_it_must() -> None:
    assert DEFAULT_MODEL in ALIASES
    assert set(HUB_ALIASES) == set(describe._PUBLISHED)
    for name, alias in ALIASES.items():
        assert alias.name == name
        assert alias.licence
        assert alias.note
        if alias.hub_id:
            assert alias_of(alias.hub_id) is alias
    assert {published_config(name).architecture for name in HUB_ALIASES} == set(KNOWN) - {
        "videoprism_vision_model"
    }


def test_labels_are_told_apart() -> None:
    assert unique_labels(["a", "b"]) == ("a", "b")
    assert unique_labels(["a", None, "a", " c\n d "]) == (
        "a (class 0)",
        "LABEL_1",
        "a (class 2)",
        "c d",
    )
    values: dict[str, Any] = {"model_type": "videomae"}
    assert parse_config(values, "x").labels == ("LABEL_0", "LABEL_1")
    assert parse_config({**values, "num_labels": 3}, "x").labels[2] == "LABEL_2"
    mixed = {"10": "k", **{str(n): f"l{n}" for n in range(10)}}
    assert parse_config({**values, "id2label": mixed}, "x").labels[-2:] == ("l9", "k")


def test_listing_models_and_labels_imports_nothing_heavy(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path)
    script = (
        "import sys\n"
        "import vidtag.aliases\n"
        "light = {'numpy', 'huggingface_hub'} & set(sys.modules)\n"
        "from vidtag.models.describe import list_models\n"
        "from vidtag.models.labels import read_labels\n"
        "assert len(read_labels(sys.argv[1])) == 5\n"
        "list_models()\n"
        "heavy = {'torch', 'transformers', 'openvino', 'av'} & set(sys.modules)\n"
        "print(sorted(light), sorted(heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] []"
