import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vidtag.timeline.scores import average_windows, softmax, top_tags

LOGITS = arrays(np.float32, (3, 5), elements=st.floats(-50, 50, width=32))


@pytest.mark.slow
@given(LOGITS)
def test_scores_are_a_distribution(logits):
    for average in ("logits", "probs"):
        scores = average_windows(logits, average)
        assert scores.shape == (5,)
        assert scores.sum() == pytest.approx(1)
        assert (scores >= 0).all()


def test_softmax_survives_large_logits():
    assert softmax(np.array([1e4, 0.0], np.float32)).tolist() == [1, 0]


def test_averages_differ_where_windows_disagree():
    logits = np.array([[8, 0, 0], [0, 4, 0]], np.float32)
    assert average_windows(logits, "logits")[0] == pytest.approx(
        np.exp(4) / (np.exp(4) + np.exp(2) + 1)
    )
    assert average_windows(logits, "probs")[0] == pytest.approx(softmax(logits)[:, 0].mean())


def test_equal_scores_keep_the_order_of_labels():
    tags = top_tags(np.full(4, 0.25), "abcd", 3)
    assert [tag.label for tag in tags] == ["a", "b", "c"]


def test_more_tags_than_labels_are_all_labels():
    assert len(top_tags(np.array([0.5, 0.5]), "ab", 1000)) == 2


def test_nothing_to_average_is_a_mistake():
    with pytest.raises(ValueError, match="num_windows"):
        average_windows(np.zeros((0, 3), np.float32), "logits")
