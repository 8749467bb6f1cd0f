"""A model is its content: neither the spelling of its name nor its place counts."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_video import make_video
from tiny_models import make_tiny_model

from vidtag.cache.scores import ScoreStore
from vidtag.models.card import card_licence
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.outputs.fingerprint import record_of
from vidtag.tagging.recipe import Fingerprint
from vidtag.tagging.tagger import Tagger

CARDS: list[tuple[str, str | None]] = [
    ("---\nlicense: mit\n---\n", "mit"),
    ('---\nlicense: "mit"\n---\n', "mit"),
    ("---\nlicense: 'mit'\n---\n", "mit"),
    ('---\n"license" : mit\n---\n', "mit"),
    ("---\nlicense: [mit]\n---\n", "mit"),
    ("---\nlicense:\n- mit\n- apache-2.0\n---\n", "mit, apache-2.0"),
    ("---\nlicense: mit # as the paper says\n---\n", "mit"),
    ("---\n# license: gpl-3.0\nlicense: mit\n---\n", "mit"),
    ("---\r\nlanguage: en\r\nlicense: mit\r\n---\r\n# Mine\r\n", "mit"),
    ("\ufeff---\nlicense: mit\n---\n", "mit"),
    ("---  \nlicense: mit\n--- \n", "mit"),
    ("---\nlicense: mit\n---", "mit"),
    ("---\nlicense: other\nlicense_name: my-licence\nlicense_link: LICENSE\n---\n", "my-licence"),
    ("---\nlicense_name: my-licence\n---\n", "my-licence"),
    ("---\nlicense: other\n---\n", "other"),
    ("---\nlicense: >-\n  cc-by-nc-4.0\ntags: [video]\n---\n", "cc-by-nc-4.0"),
    ("---\nabout: |\n  license: no\nlicense: cc-by-4.0\n---\n", "cc-by-4.0"),
    ("---\nmodel-index:\n- name: x\n  license: no\nlicense: mit\n---\n", "mit"),
    ("---\nlicense: mit\ntags: [video\n---\n", "mit"),  # broken further down
    ("---\nlicense: 1.0\n---\n", "1.0"),
    ("---\nlicense: ~\n---\n", None),
    ("---\nlicense:\n---\n", None),
    ("---\nlicense: {a: b}\n---\n", None),
    ("---\ntags: [video]\n---\nlicense: mit\n", None),
    ("# A card without front matter\nlicense: mit\n", None),
    ("---\nlicense: mit\n", None),
    ("---\n- license\n- mit\n---\n", None),
    ("---\nlicense: mit\n: [{&a *a\n---\n", "mit"),
    ("---\na: " + "[" * 20_000 + "\nlicense: mit\n---\n", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "licence"), CARDS)
def test_a_licence_is_read_as_the_card_has_it(
    tmp_path: Path, text: str, licence: str | None
) -> None:
    (tmp_path / "README.md").write_bytes(text.encode())
    assert card_licence(tmp_path) == licence


def test_what_is_no_card_has_no_licence(tmp_path: Path) -> None:
    assert card_licence(tmp_path) is None
    (tmp_path / "README.md").mkdir()
    assert card_licence(tmp_path) is None
    (tmp_path / "README.md").rmdir()
    (tmp_path / "README.md").write_bytes(b"---\nlicense: \xff\xfe\n---\n")
    assert card_licence(tmp_path) == "\ufffd\ufffd"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold a model `m`, a link to it, a copy and a clip."""
    place = tmp_path_factory.mktemp("place")
    make_tiny_model(place / "m")
    (place / "link").symlink_to("m")
    shutil.copytree(place / "m", place / "copy")
    make_video(place / "clip.mp4", num_frames=60, fps=25)
    return place


def load(model: str) -> Any:
    return load_classifier(LoadOptions(model=model, engine="torch", precision="fp32", device="cpu"))


SPELLINGS = ["m", "m/", "./m", "../{place}/m", "link", "copy", "{absolute}"]


def spelt(place: Path, spelling: str) -> str:
    return spelling.format(place=place.name, absolute=place / "m")


@pytest.mark.slow
def test_stored_scores_are_found_under_every_spelling(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    with ScoreStore(tmp_path) as store:
        first = Tagger(load("./m"), store=store).tag("clip.mp4")
        assert not first.timing.from_cache
        for spelling in SPELLINGS:
            name = spelt(place, spelling)
            document = Tagger(load(name), store=store).tag("clip.mp4")
            assert document.timing.from_cache, name
            assert document.model.id == name
            assert document.timeline == first.timeline


def test_what_is_done_is_done_under_every_spelling(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    document = Tagger(load("m")).tag("clip.mp4")
    record, content = record_of(document), document.video.content_id
    for spelling in SPELLINGS:
        tagger = Tagger(load(spelt(place, spelling)))
        fingerprint = Fingerprint.of(tagger.settings, tagger.classifier.info, tagger.grid)
        assert fingerprint.fits(record, content), spelling


def test_other_weights_under_the_same_name_are_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_tiny_model(tmp_path / "m", seed=1)
    make_video(tmp_path / "clip.mp4", num_frames=60, fps=25)
    with ScoreStore(tmp_path / "store") as store:
        document = Tagger(load("m"), store=store).tag("clip.mp4")
        make_tiny_model(tmp_path / "m", seed=2)
        tagger = Tagger(load("m"), store=store)
        assert not tagger.tag("clip.mp4").timing.from_cache
    fingerprint = Fingerprint.of(tagger.settings, tagger.classifier.info, tagger.grid)
    assert not fingerprint.fits(record_of(document), document.video.content_id)


@pytest.mark.parametrize(
    ("alias", "architecture", "hub_id", "licence"),
    [
        ("timesformer", "timesformer", "facebook/timesformer-base-finetuned-k400", "cc-by-nc-4.0"),
        ("vivit", "vivit", "google/vivit-b-16x2-kinetics400", "mit"),
        (None, "timesformer", "somebody/timesformer", "apache-2.0"),
    ],
)
def test_the_same_files_are_the_same_model_by_hub_id_and_as_a_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    alias: str | None,
    architecture: str,
    hub_id: str,
    licence: str,
) -> None:
    repository = tmp_path / "hub" / f"models--{hub_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("b" * 40)
    make_tiny_model(snapshot, architecture)
    (snapshot / "README.md").write_text(f'---\nlicense: "{licence}" # of the weights\n---\n')
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("b" * 40)
    folder = shutil.copytree(snapshot, tmp_path / "mine")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    names = [hub_id, str(folder), *([alias] if alias else [])]
    loaded = [load(name) for name in names]
    frame = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    scores = []
    for classifier in loaded:
        info = classifier.info
        clip = np.stack([classifier.prepare(frame)] * info.num_frames)[None]
        scores.append(
            (
                classifier.logits(clip).tobytes(),
                info.window_seconds,
                info.stride_seconds,
                info.licence,
            )
        )
    assert len(set(scores)) == 1
    assert scores[0][3] == licence
    assert float(loaded[0].info.window_seconds) == pytest.approx(
        8.53 if architecture == "timesformer" else 2.13, abs=0.005
    )
