"""Explanations from inside a VideoMAE: folded layer by layer, they are what the papers say."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.tiny_models import make_tiny_model
from vidtag.errors import ModelMismatchError
from vidtag.explain import videomae
from vidtag.explain.explanation import METHODS
from vidtag.explain.methods import explain_window, token_grid, torch_network
from vidtag.explain.occlusion import mean_colour
from vidtag.explain.videomae import VideoMaeReader
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.timeline.scores import softmax

LABEL = 3


def load(folder):
    return load_classifier(
        LoadOptions(model=str(folder), engine="torch", device="cpu", precision="fp32")
    )


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return load(make_tiny_model(tmp_path_factory.mktemp("videomae") / "m", image_size=48))


@pytest.fixture(scope="module")
def network(classifier):
    found = torch_network(classifier)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def clip():
    return np.random.default_rng(0).integers(0, 256, (16, 48, 48, 3), np.uint8)


@pytest.fixture(scope="module")
def pixels(network, clip):
    return videomae.normalise(network, clip)


@pytest.fixture
def attentions(network, pixels):
    """All attention at once, and the label's gradient by it: both (layers, heads, N, N)."""
    model = network.model
    model.set_attn_implementation("eager")
    try:
        with torch.enable_grad():
            outputs = model(pixels.clone().requires_grad_(), output_attentions=True)
            gradients = torch.autograd.grad(outputs.logits[0, LABEL], outputs.attentions)
    finally:
        model.set_attn_implementation("sdpa")
    return (
        torch.stack([attention[0] for attention in outputs.attentions]).detach().double(),
        torch.stack([gradient[0] for gradient in gradients]).double(),
    )


def test_rollout_folded_backwards_is_the_product_of_matrices(network, clip, attentions):
    joint = torch.eye(72).double()
    for weights in attentions[0]:
        joint = (weights.mean(0) / 2 + torch.eye(72) / 2) @ joint
    folded = videomae.rollout(VideoMaeReader.of_clip(network, clip))
    assert folded.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(folded, joint.mean(0).numpy(), atol=1e-7)


def test_relevance_folded_backwards_is_the_published_sum(network, clip, attentions):
    weights, gradients = attentions
    matrix = torch.eye(72).double()
    for layer, gradient in zip(weights, gradients, strict=True):
        matrix = matrix + (layer * gradient).clamp(min=0).mean(0) @ matrix
    expected = (matrix - torch.eye(72)).mean(0).numpy()
    reader = VideoMaeReader.of_clip(network, clip, for_gradients=True)
    folded = videomae.relevance(reader, LABEL)
    assert folded.min() >= 0
    assert np.allclose(folded, expected, rtol=1e-3, atol=1e-3 * expected.max())


@pytest.fixture(scope="module")
def empty(network, clip):
    return VideoMaeReader.of_clip(network, np.broadcast_to(mean_colour(clip), clip.shape))


def test_integrated_gradients_add_up_to_what_the_clip_adds_to_the_logit(
    network, clip, empty, monkeypatch
):
    nodes, weights = np.polynomial.legendre.leggauss(12)
    monkeypatch.setattr(videomae, "NODES", tuple((nodes + 1) / 2))
    monkeypatch.setattr(videomae, "WEIGHTS", tuple(weights / 2))
    reader = VideoMaeReader.of_clip(network, clip)
    shares = videomae.integrated_gradients(reader, empty, LABEL)
    rise = (reader.logits() - empty.logits())[LABEL]
    assert shares.sum() == pytest.approx(rise, abs=0.02 * np.abs(shares).sum())


def test_integrated_gradients_are_those_of_the_pixels(network, clip, empty, pixels):
    start = videomae.normalise(network, np.broadcast_to(mean_colour(clip), clip.shape))
    total = torch.zeros_like(pixels)
    for node, weight in zip(videomae.NODES, videomae.WEIGHTS, strict=True):
        between = (start + (pixels - start) * node).requires_grad_()
        logit = network.model(between).logits[0, LABEL]
        total += torch.autograd.grad(logit, between)[0] * weight
    of_pixels = ((pixels - start) * total)[0].sum(1).double().numpy()
    grid = (8, 2, 3, 16, 3, 16)
    expected = of_pixels.reshape(grid).sum(axis=(1, 3, 5)).reshape(-1)
    shares = videomae.integrated_gradients(VideoMaeReader.of_clip(network, clip), empty, LABEL)
    assert np.allclose(shares, expected, atol=1e-4 * np.abs(expected).max())


def test_the_nodes_integrate_the_fourth_power():
    nodes, weights = np.array(videomae.NODES), np.array(videomae.WEIGHTS)
    for power in range(5):
        assert (weights * nodes**power).sum() == pytest.approx(1 / (power + 1))


def test_combined_is_the_mean_of_its_two_parts(classifier, clip):
    parts = [
        explain_window(classifier, clip, LABEL, method).evidence
        for method in ("relevance", "integrated")
    ]
    whole = explain_window(classifier, clip, LABEL, "combined").evidence
    assert np.allclose(whole, (parts[0] + parts[1]) / 2, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_map_that_sums_to_one_and_is_repeatable(classifier, clip, method):
    window = (Fraction(2), Fraction(4))
    one = explain_window(classifier, clip, LABEL, method, window)
    two = explain_window(classifier, clip, LABEL, method, window)
    assert one.evidence.shape == (8, 3, 3) == token_grid(classifier).shape
    assert one.evidence.dtype == np.float32
    assert one.evidence.min() >= 0
    assert one.evidence.sum(dtype=np.float64) == pytest.approx(1, abs=1e-5)
    assert one.temporal_profile.shape == (8,)
    assert (one.evidence == two.evidence).all()
    assert (one.start_seconds, one.end_seconds) == window
    assert one.label == "action 3"


def test_the_best_label_and_its_score_are_the_classifiers(classifier, clip):
    logits = classifier.logits(clip[None])[0]
    for method in ("rollout", "occlusion"):
        explanation = explain_window(classifier, clip, method=method)
        assert explanation.index == logits.argmax()
        assert explanation.score == pytest.approx(softmax(logits).max(), abs=1e-6)


@pytest.mark.parametrize("method", ["combined", "relevance", "occlusion"])
def test_maps_depend_on_the_label(classifier, clip, method):
    one = explain_window(classifier, clip, 0, method)
    other = explain_window(classifier, clip, 1, method)
    assert not np.allclose(one.evidence, other.evidence, rtol=0.05)


def test_a_model_that_pools_its_first_token_starts_there(network, clip, pixels):
    model = network.model
    norm, model.fc_norm = model.fc_norm, None
    try:
        reader = VideoMaeReader.of_clip(network, clip, for_gradients=True)
        assert reader.pooling().nonzero().tolist() == [[0]]
        with torch.no_grad():
            logits = model(pixels).logits[0].numpy()
        assert np.allclose(reader.logits(), logits, atol=1e-5)
        assert videomae.relevance(reader, LABEL).max() > 0
    finally:
        model.fc_norm = norm


def test_one_heads_attention_exists_at_a_time(network, clip, monkeypatch):
    """Count the largest tensors that live at once: no N x N matrix outlives its head."""
    sizes = []
    heads = videomae.LayerView.heads

    def counted(self):
        for weights, gradient in heads(self):
            sizes.append((weights.shape, None if gradient is None else gradient.shape))
            yield weights, gradient

    monkeypatch.setattr(videomae.LayerView, "heads", counted)
    reader = VideoMaeReader.of_clip(network, clip, for_gradients=True)
    videomae.relevance(reader, LABEL)
    assert sizes == [((72, 72), (72, 72))] * 4  # two layers of two heads
    assert max(state.numel() for state in reader.states) < 72 * 72


def test_parameters_get_no_gradients(network, classifier, clip):
    for method in METHODS:
        explain_window(classifier, clip, LABEL, method)
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("architecture", ["timesformer", "vivit", "vjepa2"])
def test_other_architectures_are_refused_in_one_line_or_occluded(tmp_path, architecture):
    frames = {"timesformer": 8, "vivit": 4, "vjepa2": 4}[architecture]
    other = load(make_tiny_model(tmp_path / "m", architecture, num_frames=frames))
    size = other.info.image_size
    clip = np.random.default_rng(0).integers(0, 256, (frames, size, size, 3), np.uint8)
    for method in ("combined", "integrated", "relevance", "rollout"):
        with pytest.raises(ModelMismatchError, match=rf"not inside {architecture}") as caught:
            explain_window(other, clip, 0, method)
        assert caught.value.code == "not_explainable"
        assert "\n" not in str(caught.value)
    explanation = explain_window(other, clip, 0, "occlusion")
    assert explanation.evidence.shape == (frames // 2, size // 16, size // 16)
    assert explanation.evidence.sum() == pytest.approx(1, abs=1e-5)
