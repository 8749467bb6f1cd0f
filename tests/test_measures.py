"""Measures of labelled videos, against plain versions of the published algorithms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidtag.evaluation.accuracy import (
    confusion_matrix,
    mean_class_share,
    share,
    top_hits,
)
from vidtag.evaluation.confidence import (
    calibration_error,
    fit_temperature,
    mean_surprise,
    reliability_bins,
)
from vidtag.evaluation.detection import (
    ACTIVITYNET,
    OVERLAPS,
    THUMOS,
    average_precisions,
    match_detections,
    mean_average_precisions,
)
from vidtag.evaluation.intervals import with_intervals
from vidtag.evaluation.overlap import F1_OVERLAPS, Stretch, f1, match_stretches
from vidtag.evaluation.per_second import NONE, is_right, moments


# ActivityNet's published evaluation (eval_detection.py, utils.py), line by line but for pandas.
def published_iou(target, candidates):
    first = np.maximum(target[0], candidates[:, 0])
    last = np.minimum(target[1], candidates[:, 1])
    intersection = (last - first).clip(0)
    union = (candidates[:, 1] - candidates[:, 0]) + (target[1] - target[0]) - intersection
    return intersection.astype(float) / union


def published_interpolated_precision(precision, recall):
    mprec = np.hstack([[0], precision, [0]])
    mrec = np.hstack([[0], recall, [1]])
    for i in range(len(mprec) - 1)[::-1]:
        mprec[i] = max(mprec[i], mprec[i + 1])
    idx = np.where(mrec[1::] != mrec[0:-1])[0] + 1
    return np.sum((mrec[idx] - mrec[idx - 1]) * mprec[idx])


def published_average_precision(truth, predictions, thresholds):
    """Both are rows of (video, start, end[, score]) of one label."""
    ap = np.zeros(len(thresholds))
    if not predictions:
        return ap
    npos = float(len(truth))
    lock = np.ones((len(thresholds), len(truth))) * -1
    predictions = sorted(predictions, key=lambda row: -row[3])
    tp = np.zeros((len(thresholds), len(predictions)))
    fp = np.zeros((len(thresholds), len(predictions)))
    for idx, (video, start, end, _) in enumerate(predictions):
        own = [k for k, row in enumerate(truth) if row[0] == video]
        if not own:
            fp[:, idx] = 1
            continue
        tiou = published_iou((start, end), np.array([truth[k][1:3] for k in own], float))
        order = tiou.argsort()[::-1]
        for tidx, threshold in enumerate(thresholds):
            for jdx in order:
                if tiou[jdx] < threshold:
                    fp[tidx, idx] = 1
                    break
                if lock[tidx, own[jdx]] >= 0:
                    continue
                tp[tidx, idx] = 1
                lock[tidx, own[jdx]] = idx
                break
            if fp[tidx, idx] == 0 and tp[tidx, idx] == 0:
                fp[tidx, idx] = 1
    tp_sum, fp_sum = np.cumsum(tp, axis=1), np.cumsum(fp, axis=1)
    recall, precision = tp_sum / npos, tp_sum / (tp_sum + fp_sum)
    for tidx in range(len(thresholds)):
        ap[tidx] = published_interpolated_precision(precision[tidx], recall[tidx])
    return ap


def published_map(said, true, thresholds):
    labels = sorted({one.label for video in true for one in video})
    aps = []
    for label in labels:
        truth = [(v, s.start, s.end) for v, ss in enumerate(true) for s in ss if s.label == label]
        ours = [
            (v, s.start, s.end, s.score) for v, ss in enumerate(said) for s in ss
            if s.label == label
        ]  # fmt: skip
        aps.append(published_average_precision(truth, ours, thresholds))
    return np.mean(aps, axis=0)


def random_videos(rng, num_videos, num_labels):
    """Truths, and what a poor detector says of them: shifted, doubled, missed, made up."""
    scores = iter(rng.permutation(10_000) / 10_000)
    true, said = [], []
    for _ in range(num_videos):
        theirs, ours = [], []
        for _ in range(rng.integers(0, 5)):
            start, length, label = rng.uniform(0, 50), rng.uniform(1, 20), rng.integers(num_labels)
            theirs.append(Stretch(start, start + length, int(label)))
            for _ in range(rng.integers(0, 4)):
                moved, end = np.array([start, start + length]) + rng.normal(0, length / 8, 2)
                ours.append(Stretch(moved, max(moved, end), int(label), next(scores)))
        for _ in range(rng.integers(0, 3)):
            start = rng.uniform(0, 50)
            made_up = int(rng.integers(num_labels + 2))  # also labels that no truth has
            ours.append(Stretch(start, start + rng.uniform(1, 20), made_up, next(scores)))
        rng.shuffle(ours)
        true.append(theirs)
        said.append(ours)
    return said, true


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_map_is_what_activitynet_publishes(seed, num_videos, num_labels):
    said, true = random_videos(np.random.default_rng(seed), num_videos, num_labels)
    if not any(true):
        true[0].append(Stretch(0, 1, 0))
    ours = mean_average_precisions(match_detections(said, true), np.ones(num_videos))
    assert ours == pytest.approx(published_map(said, true, OVERLAPS), abs=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_video_that_counts_twice_is_as_one_that_is_there_twice(seed):
    rng = np.random.default_rng(seed)
    said, true = random_videos(rng, 5, 2)
    true[0].append(Stretch(0, 1, 0))
    counts = np.array([1, 0, 2, 3, 1])
    ours = mean_average_precisions(match_detections(said, true), counts.astype(float))
    again = [k for k, count in enumerate(counts) for _ in range(count)]
    repeated = published_map([said[k] for k in again], [true[k] for k in again], OVERLAPS)
    assert ours == pytest.approx(repeated, abs=1e-9)


def test_the_averages_are_over_the_overlaps_of_each_challenge():
    assert OVERLAPS == (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    assert OVERLAPS[4:] == ACTIVITYNET
    assert THUMOS == (0.3, 0.4, 0.5, 0.6, 0.7)
    assert set(THUMOS) <= set(OVERLAPS)
    assert F1_OVERLAPS == (0.1, 0.25, 0.5)


def test_each_truth_is_found_once_and_a_label_nobody_said_has_no_precision():
    true = [[Stretch(0, 10, 0), Stretch(20, 30, 1)]]
    twice = [[Stretch(0, 10, 0, 0.5), Stretch(0, 10, 0, 0.9)]]
    found = match_detections(twice, true, (0.5,))
    assert found.hits.tolist() == [[True, False]]
    assert average_precisions(found, np.ones(1)).tolist() == [[1.0, 0.0]]
    assert mean_average_precisions(found, np.ones(1)).tolist() == [0.5]


def test_map_of_nothing_is_no_number():
    nothing = match_detections([[]], [[]])
    assert np.isnan(mean_average_precisions(nothing, np.ones(1))).all()
    none_true = match_detections([[Stretch(0, 1, 0)]], [[]])
    assert np.isnan(mean_average_precisions(none_true, np.ones(1))).all()


# MS-TCN's f_score (eval.py), for stretches that are given instead of frames.
def published_f_score(said, true, overlap):
    tp = fp = 0
    hits = np.zeros(len(true))
    for one in said:
        if not true:
            fp += 1
            continue
        starts, ends = np.array([t.start for t in true]), np.array([t.end for t in true])
        intersection = np.minimum(one.end, ends) - np.maximum(one.start, starts)
        union = np.maximum(one.end, ends) - np.minimum(one.start, starts)
        iou = (1.0 * intersection / union) * ([one.label == t.label for t in true])
        idx = np.array(iou).argmax()
        if iou[idx] >= overlap and not hits[idx]:
            tp += 1
            hits[idx] = 1
        else:
            fp += 1
    return tp, fp, len(true) - sum(hits)


def tiling(rng, num_labels):
    """Segment a video without gaps, two neighbours never alike; label 0 is the background."""
    edges = np.r_[0, np.sort(rng.uniform(0, 60, rng.integers(1, 9))), 60]
    labels = [int(rng.integers(num_labels))]
    while len(labels) < len(edges) - 1:
        labels.append(int((labels[-1] + rng.integers(1, num_labels)) % num_labels))
    return [
        Stretch(a, b, label) for a, b, label in zip(edges, edges[1:], labels, strict=False) if label
    ]


@given(st.integers(0, 2**32 - 1), st.sampled_from(F1_OVERLAPS))
@settings(max_examples=80, deadline=None)
def test_f1_is_what_ms_tcn_publishes(seed, least):
    rng = np.random.default_rng(seed)
    said, true = tiling(rng, 4), tiling(rng, 4)
    ours = match_stretches(said, true, least)
    assert (ours.found, ours.false, ours.missed) == published_f_score(said, true, least)


def test_f1_of_nothing_is_no_number():
    assert np.isnan(f1(0, 0, 0))
    assert f1(0, 3, 0) == 0
    assert f1(2, 0, 0) == 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_ece_is_that_of_its_definition(seed, size):
    rng = np.random.default_rng(seed)
    confidences, hits = rng.uniform(0, 1, size), rng.uniform(size=size) < 0.6
    confidences[0] = 1.0
    expected = 0.0
    for k in range(15):
        inside = (confidences > k / 15) & (confidences <= (k + 1) / 15)
        if inside.any():
            gap = abs(hits[inside].mean() - confidences[inside].mean())
            expected += inside.mean() * gap
    assert calibration_error(confidences, hits, np.ones(size)) == pytest.approx(expected)
    bins = reliability_bins(confidences, hits, np.ones(size))
    assert sum(one.total for one in bins) == size
    gaps = [one.total * abs(one.accuracy - one.confidence) for one in bins if one.total]
    assert sum(gaps) / size == pytest.approx(expected)


def test_ece_of_a_model_that_knows_how_sure_it_is():
    confidences = np.full(10, 0.7)
    hits = np.arange(10) < 7
    assert calibration_error(confidences, hits, np.ones(10)) == pytest.approx(0, abs=1e-12)
    assert np.isnan(calibration_error(confidences, hits, np.zeros(10)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_temperature_is_found_again(temperature):
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (4000, 5))
    scores = np.exp(logits / temperature)
    scores /= scores.sum(axis=1, keepdims=True)
    truths = (scores.cumsum(axis=1) > rng.uniform(size=(4000, 1))).argmax(axis=1)
    fitted = fit_temperature(logits, truths)
    assert fitted == pytest.approx(temperature, rel=0.06)
    best = mean_surprise(logits, truths, fitted)
    for other in (fitted * 0.99, fitted * 1.01):
        assert best < mean_surprise(logits, truths, other)
    assert fit_temperature(logits, truths) == fitted


def test_a_temperature_has_ends_and_needs_clips():
    always = fit_temperature(np.array([[1.0, 0.0]]), np.array([0]))
    assert always == pytest.approx(np.exp(-3), rel=1e-6)
    with pytest.raises(ValueError, match="of 0 truths"):
        fit_temperature(np.zeros((0, 2)), np.array([], int))


def test_the_best_five_and_labels_nobody_knows():
    scores = np.array([[0.1, 0.4, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]])
    truths = np.array([2, 4, 1])
    assert top_hits(scores, truths, 1).tolist() == [False, False, False]
    assert top_hits(scores, truths, 2).tolist() == [True, False, True]
    assert top_hits(scores, truths, 5).tolist() == [True, False, True]


def test_classes_count_alike_and_only_where_they_occur():
    hits, classes = np.array([True] * 9 + [False]), np.array([3] * 9 + [5])
    assert share(hits, np.ones(10)) == 0.9
    assert mean_class_share(hits, classes, np.ones(10)) == 0.5
    assert mean_class_share(hits, classes, np.r_[np.ones(9), 0]) == 1
    assert np.isnan(mean_class_share(hits, classes, np.zeros(10)))
    assert np.isnan(share(hits, np.zeros(10)))


def test_confusions_are_counted_by_weight():
    matrix = confusion_matrix(np.array([0, 0, 2]), np.array([1, 1, 2]), np.array([1, 2.5, 1]), 3)
    assert matrix.tolist() == [[0, 3.5, 0], [0, 0, 0], [0, 0, 1]]


def test_moments_are_cut_where_anything_changes():
    said = [Stretch(0, 4, 1, 0.4), Stretch(2, 6, 2, 0.9)]
    true = [Stretch(1, 5, 2), Stretch(3, 9, 1)]
    assert list(moments(said, true, 8)) == [
        (0, 1, 1, frozenset()),
        (1, 2, 1, frozenset({2})),
        (2, 3, 2, frozenset({2})),
        (3, 4, 2, frozenset({1, 2})),
        (4, 5, 2, frozenset({1, 2})),
        (5, 6, 2, frozenset({1})),
        (6, 8, NONE, frozenset({1})),
    ]
    assert list(moments([], [], 3, start=1)) == [(1, 3, NONE, frozenset())]
    assert is_right(NONE, frozenset())
    assert not is_right(1, frozenset())


def test_intervals_are_the_same_twice_and_hold_the_value():
    right = np.arange(40) % 4 > 0
    [one] = with_intervals(lambda weights: [share(right, weights)], 40)
    assert one == with_intervals(lambda weights: [share(right, weights)], 40)[0]
    assert one.value == 0.75
    # The normal approximation: 0.75 ± 1.96 sqrt(0.75 * 0.25 / 40).
    assert one.low == pytest.approx(0.616, abs=0.03)
    assert one.high == pytest.approx(0.884, abs=0.03)
    other = with_intervals(lambda weights: [share(right, weights)], 40, seed=1)[0]
    assert other != one


def test_one_video_has_no_interval_and_nothing_has_no_figure():
    one, none = with_intervals(lambda weights: [weights.sum(), float("nan")], 1)
    assert (one.value, one.low, one.high) == (1, None, None)
    assert none is None
    with pytest.raises(ValueError, match="no video"):
        with_intervals(lambda weights: [0.0], 0)
