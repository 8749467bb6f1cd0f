"""vidtag within other people's programs: threads, processes, and values that make no sense."""

import asyncio
import contextlib
import dataclasses
import multiprocessing
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fake_classifier import FakeClassifier
from make_video import make_video
from tiny_models import convert, make_tiny_model

import vidtag
from vidtag import (
    DocumentError,
    LoadOptions,
    ModelError,
    ModelLoadError,
    OutputError,
    Part,
    ScoreStore,
    SegmentRule,
    Settings,
    Tagger,
    VideoDecodeError,
    VideoOpenError,
    VidtagError,
)
from vidtag.documents.records import Document
from vidtag.errors import UsageError
from vidtag.models.deferred import DeferredClassifier

ENGINES = ("torch", "openvino")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def model(folder) -> Path:
    return convert(make_tiny_model(folder / "model"))


@pytest.fixture(scope="module")
def clips(folder) -> list[Path]:
    return [
        make_video(folder / f"{n}.mp4", num_frames=60 + 20 * n, fps=25, size=(64, 48))
        for n in range(4)
    ]


def options(model: Path, engine: str = "torch") -> LoadOptions:
    return LoadOptions(model=model, engine=engine, precision="fp32")


def without_timing(document: Document) -> Document:
    return dataclasses.replace(document, timing=None)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_threads_share_a_tagger(model, clips, engine):
    tagger = Tagger(options(model, engine))
    expected = [without_timing(tagger.tag(clip)) for clip in clips]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for _ in range(3):
            assert [
                without_timing(document) for document in pool.map(tagger.tag, clips)
            ] == expected


def test_a_tagger_runs_beside_an_event_loop(model, clips):
    tagger = Tagger(options(model, "openvino"))

    async def tag_all() -> list[Document]:
        return await asyncio.gather(*(asyncio.to_thread(tagger.tag, clip) for clip in clips))

    documents = asyncio.run(tag_all())
    assert [without_timing(d) for d in documents] == [without_timing(tagger.tag(c)) for c in clips]


def test_threads_share_a_store(model, clips, tmp_path):
    tagger = Tagger(FakeClassifier())
    expected = [without_timing(tagger.tag(clip)) for clip in clips]
    with (
        contextlib.closing(ScoreStore(tmp_path)) as store,
        ThreadPoolExecutor(max_workers=4) as pool,
    ):
        stored = Tagger(FakeClassifier(), store=store)
        for _ in range(3):
            documents = list(pool.map(stored.tag, clips * 2))
            assert [without_timing(document) for document in documents] == expected * 2
        assert all(document.timing.from_cache for document in documents)


_SHARED: list[Tagger] = []


def _tag_inherited(clip: Path) -> Document:
    return _SHARED[0].tag(clip)


WORKER_PROGRAM = """
import dataclasses
import multiprocessing
import sys

from vidtag import LoadOptions, Settings, Tagger

SHARED = []


def tag(load, clip):
    return Tagger(load, Settings()).tag(clip)


def tag_inherited(clip):
    return SHARED[0].tag(clip)


def without_timing(document):
    return dataclasses.replace(document, timing=None)


if __name__ == "__main__":
    engine, model, clip, *methods = sys.argv[1:]
    load = LoadOptions(model=model, engine=engine, precision="fp32")
    SHARED.append(Tagger(load))
    expected = without_timing(SHARED[0].tag(clip))
    for method in methods:
        with multiprocessing.get_context(method).Pool(1) as pool:
            jobs = [pool.apply_async(tag, (load, clip))]
            if method == "fork":
                jobs.append(pool.apply_async(tag_inherited, (clip,)))
            for job in jobs:
                assert without_timing(job.get(timeout=120)) == expected
        print(method)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "methods"),
    [("torch", ["fork", "spawn"]), ("openvino", ["fork", "spawn", "forkserver"])],
)
def test_a_worker_process_tags(model, clips, engine, methods, tmp_path):
    there = [one for one in methods if one in multiprocessing.get_all_start_methods()]
    # A program of its own: what is forked is then its state, not that of all tests before.
    program = tmp_path / "program.py"
    program.write_text(WORKER_PROGRAM)
    arguments = [engine, str(model), str(clips[0]), *there]
    done = subprocess.run(
        [sys.executable, program, *arguments], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout.split()) == (0, there), done.stderr


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_worker_inherits_a_store_that_was_used(clips, tmp_path, monkeypatch):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")
    with contextlib.closing(ScoreStore(tmp_path)) as store:
        tagger = Tagger(FakeClassifier(), store=store)
        expected = [tagger.tag(clip) for clip in clips[:2]]
        monkeypatch.setattr(f"{__name__}._SHARED", [tagger])
        with multiprocessing.get_context("fork").Pool(2) as pool:
            jobs = [pool.apply_async(_tag_inherited, (clip,)) for clip in clips]
            documents = [job.get(timeout=60) for job in jobs]
        again = tagger.tag(clips[3])
    assert [document.timing.from_cache for document in documents[:2]] == [True, True]
    assert [without_timing(d) for d in documents[:2]] == [without_timing(d) for d in expected]
    assert again.timing.from_cache
    assert without_timing(again) == without_timing(documents[3])


def test_options_can_be_sent_to_another_process(model):
    for value in (options(model), Settings(stride_seconds=0.5), Part(end=3), SegmentRule()):
        assert pickle.loads(pickle.dumps(value)) == value


def test_a_part_keeps_its_former_name():
    assert vidtag.ReadOptions is Part


def test_a_model_folder_is_a_path(model, clips):
    document = Tagger(model).tag(clips[0])
    assert document.model.id == str(model)
    assert LoadOptions(model=model) == LoadOptions(model=str(model))


@pytest.mark.parametrize(
    "value", [2, 2.0, Fraction(2), Decimal("2.0"), np.int64(2), np.float32(2)], ids=repr
)
def test_numbers_of_any_type_are_the_same_settings(value):
    settings = Settings(
        window_seconds=value, top_k=np.int32(3), rule=SegmentRule(merge_gap_seconds=value)
    )
    expected = Settings(
        window_seconds=Fraction(2), top_k=3, rule=SegmentRule(merge_gap_seconds=Fraction(2))
    )
    assert repr(settings) == repr(expected)


def test_a_float_means_what_it_prints():
    assert Settings(stride_seconds=0.1).stride_seconds == Fraction(1, 10)
    assert Part(start=1.7).start == Fraction(17, 10)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Settings, {"top_k": 0}),
        (Settings, {"window_seconds": 0}),
        (Settings, {"window_seconds": float("nan")}),
        (Settings, {"stride_seconds": float("inf")}),
        (Settings, {"stride_seconds": -1}),
        (Settings, {"average": "nonsense"}),
        (Settings, {"average": ""}),
        (SegmentRule, {"min_score": 0}),
        (SegmentRule, {"min_score": 1.5}),
        (SegmentRule, {"min_score": float("nan")}),
        (SegmentRule, {"min_duration_seconds": -1}),
        (SegmentRule, {"merge_gap_seconds": float("inf")}),
        (Part, {"start": -1}),
        (Part, {"end": 0}),
        (Part, {"start": 3, "end": 2}),
        (Part, {"max_pixels": 0}),
        (Part, {"timeout_seconds": 0}),
        (Part, {"timeout_seconds": float("nan")}),
        (LoadOptions, {"engine": "nonsense"}),
        (LoadOptions, {"device": "gpu"}),
        (LoadOptions, {"precision": "fp8"}),
        (LoadOptions, {"batch_size": 0}),
    ],
)
def test_values_that_make_no_sense(kind, values):
    with pytest.raises(ValueError, match=f"(?i){next(iter(values)).split('_')[0]}"):
        kind(**values)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Settings, {"top_k": "5"}),
        (Settings, {"top_k": 5.0}),
        (Settings, {"top_k": True}),
        (Settings, {"window_seconds": "2"}),
        (Settings, {"stride_seconds": [1]}),
        (Settings, {"average": None}),
        (Settings, {"rule": {"min_score": 0.3}}),
        (Settings, {"read": None}),
        (SegmentRule, {"min_score": "0.3"}),
        (SegmentRule, {"min_score": None}),
        (SegmentRule, {"min_duration_seconds": None}),
        (SegmentRule, {"merge_gap_seconds": 1j}),
        (Part, {"start": None}),
        (Part, {"end": "1:30"}),
        (Part, {"max_pixels": 1e6}),
        (Part, {"timeout_seconds": None}),
        (Part, {"network": "no"}),
        (LoadOptions, {"labels": "one text"}),
        (LoadOptions, {"template": 1}),
        (LoadOptions, {"model": 5}),
        (LoadOptions, {"revision": 1}),
        (LoadOptions, {"device": 0}),
        (LoadOptions, {"engine": None}),
        (LoadOptions, {"batch_size": 2.0}),
        (LoadOptions, {"offline": 1}),
    ],
)
def test_values_of_a_wrong_type(kind, values):
    [name] = values
    with pytest.raises(TypeError, match=f"^{name} must be ") as caught:
        kind(**values)
    assert not isinstance(caught.value, VidtagError)


@pytest.mark.parametrize("given", [{"model": 5}, {"model": []}, {"settings": 5}, {"store": "here"}])
def test_a_tagger_takes_no_nonsense(given):
    with pytest.raises(TypeError, match="must be"):
        Tagger(**{"model": FakeClassifier(), **given})


@pytest.mark.parametrize("error", [ValueError("in"), KeyError("a"), TypeError("b"), OSError("c")])
def test_a_model_that_fails_is_named(clips, error, monkeypatch):
    class Broken(FakeClassifier):
        def logits(self, clips):
            raise error

    with pytest.raises(ModelError, match=f"'fake' failed .*{type(error).__name__}") as caught:
        Tagger(Broken()).tag(clips[0])
    assert caught.value.code == "model_failed"
    assert caught.value.__cause__ is error
    assert "report" not in str(caught.value)


class Failing:
    def __call__(self, *_: object, **__: object) -> None:
        raise ValueError("one channel\nonly")

    infer = __call__


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_whose_model_fails_is_named(model, clips, engine, monkeypatch):
    tagger = Tagger(options(model, engine))
    tagger.tag(clips[0])

    classifier = tagger.classifier
    if isinstance(classifier, DeferredClassifier):
        classifier = classifier._classifier.get()
    inner = "_model" if engine == "torch" else "_requests"
    failing: object = Failing() if engine == "torch" else {"whole": Failing()}
    monkeypatch.setattr(classifier, inner, failing)
    with pytest.raises(ModelError, match="one channel only") as caught:
        tagger.tag(clips[0])
    assert caught.value.code == "model_failed"


def test_prepared_frames_that_do_not_fit_together_are_the_models(clips):
    class Odd(FakeClassifier):
        def prepare(self, image):
            super().prepare(image)
            return np.zeros((1, self.num_prepared, 3), np.uint8)

    with pytest.raises(ModelError, match="'fake' failed"):
        Tagger(Odd()).tag(clips[0])


def test_no_thread_stays_behind_in_a_thread(clips):
    tagger = Tagger(FakeClassifier())
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(tagger.tag, clips))
    assert not [t for t in threading.enumerate() if t.name == "vidtag-read-ahead"]


@pytest.mark.parametrize(
    "error",
    [
        VideoOpenError.missing("a.mp4"),
        VideoDecodeError("a.mp4", "damaged", "It is.", seconds=1.5, num_failed_packets=2),
        ModelLoadError("m", "missing_head", "It has none."),
        OutputError("a.json", "It can't be written.", costs_all=False),
        DocumentError("a.json", "It is none."),
        UsageError("That is wrong."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_reach_another_process(error):
    # A pool whose worker raises what can't be unpickled waits for ever.
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
