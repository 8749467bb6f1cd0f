"""Labels in the user's own words, from the command line to what is stored."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from make_video import make_video
from tiny_models import make_tiny_model
from tiny_word_models import make_tiny_word_model

from vidtag import LoadOptions, ScoreStore, Tagger
from vidtag.documents.json import make_json_schema

pytestmark = pytest.mark.slow  # models are converted

OWN = ["squat", "jumping jacks", "waving", "clapping"]
NOTHING = ["standing still", "nobody is here"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("own-words")


@pytest.fixture(scope="module")
def model(folder):
    own = {"window_seconds": 2, "stride_seconds": 1, "nothing": NOTHING}
    return str(make_tiny_word_model(folder / "model", labels=OWN, own=own))


@pytest.fixture(scope="module")
def clip(folder):
    path = folder / "clip.mp4"
    make_video(path, num_frames=130, fps=25)
    return str(path)


def without_timing(text: str) -> dict[str, object]:
    return {name: value for name, value in json.loads(text).items() if name != "timing"}


def test_a_document_tells_the_words_and_what_is_left(run, clip, model):
    code, out, err = run(clip, "-m", model, "--json", "--label", "kick | high kick", "--label", "x")
    assert (code, err) == (0, "")
    document = json.loads(out)
    jsonschema.validate(document, make_json_schema())
    told = document["model"]
    assert told["labels"] == "given"
    assert told["words"] == [
        {"label": "kick", "phrases": ["kick", "high kick"]},
        {"label": "x", "phrases": ["x"]},
    ]
    assert told["template"] == "{}"
    assert told["num_labels"] == 2
    background = told["background"]
    assert background["source"] == "model"
    assert background["num_phrases"] + len(background["left_out"]) == len(OWN) + len(NOTHING)
    for one in (*document["timeline"], document):
        assert {tag["label"] for tag in one["tags"]} == {"kick", "x"}
        assert sum(tag["score"] for tag in one["tags"]) + one["background_score"] == pytest.approx(
            1, abs=3e-6
        )
        assert 0 < one["background_score"] < 1


def test_without_words_a_document_has_nothing_of_them(run, clip, model):
    _, out, _ = run(clip, "-m", model, "--json")
    document = json.loads(out)
    assert list(document["model"])[-1] == "licence"
    assert "background_score" not in document
    assert list(document["timeline"][0]) == ["start_seconds", "end_seconds", "tags"]
    assert {tag["label"] for tag in document["tags"]} == set(OWN)


def test_one_word_alone_is_certain_only_without_a_background(run, clip, model):
    _, out, _ = run(clip, "-m", model, "--json", "--label", "kick", "--background", "none")
    document = json.loads(out)
    assert document["tags"][0]["score"] == 1
    assert "background" not in document["model"]
    assert "background_score" not in document
    _, out, _ = run(clip, "-m", model, "--json", "--label", "kick")
    assert json.loads(out)["tags"][0]["score"] < 0.9


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_other_words_need_neither_video_nor_tower(run, clip, model, engine, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path))
    usual = [clip, "-m", model, "--json", "--engine", engine, "--batch-size", "3"]
    run(*usual, "--label", "kick")
    _, stored, _ = run(*usual, "--label", "jump", "--label", "run")
    assert json.loads(stored)["timing"]["from_cache"]
    _, fresh, _ = run(*usual, "--label", "jump", "--label", "run", "--no-cache")
    assert not json.loads(fresh)["timing"]["from_cache"]
    assert without_timing(stored) == without_timing(fresh)
    _, without, _ = run(*usual)
    assert json.loads(without)["timing"]["from_cache"]


def test_where_features_are_large_logits_are_stored(clip, model, tmp_path, monkeypatch):
    monkeypatch.setattr("vidtag.models.words.loading._MOST_STORED", 100)
    with ScoreStore(tmp_path) as store:

        def tag(*labels):
            return Tagger(model, labels=labels, store=store).tag(clip)

        first = tag("kick")
        assert tag("kick").timing.from_cache
        assert not tag("jump").timing.from_cache
    monkeypatch.undo()
    # What is stored changes nothing of the result.
    assert Tagger(model, labels=["kick"]).tag(clip).timeline == first.timeline


def test_a_program_gives_words(clip, model):
    tagger = Tagger(model, labels=["kick", "waving"])
    assert tagger.labels == ("kick", "waving")
    scored = tagger.score(clip)
    assert scored.num_background > 0
    assert scored.logits.shape == (len(scored), 2 + scored.num_background)
    assert scored[1:3].num_background == scored.num_background
    steps, whole = scored.timeline()
    assert all(step.scores.shape == (2,) for step in steps)
    assert 0 < whole.sum() < 1
    assert tagger.score(clip, features=True).features.shape == (len(scored), 120)
    with pytest.raises(TypeError, match="loaded"):
        Tagger(tagger.classifier, labels=["kick"])


def test_probs_leave_their_share_to_the_background(clip, model):
    logits = Tagger(model, labels=["kick"]).tag(clip)
    probs = Tagger(model, labels=["kick"], average="probs").tag(clip)
    assert logits.background_score != probs.background_score
    assert probs.background_score + probs.tags[0].score == pytest.approx(1, abs=2e-6)


def test_adding_a_word_takes_only_its_own(clip, model):
    one = Tagger(model, labels=["kick"]).score(clip)
    two = Tagger(model, labels=["kick", "zzz"]).score(clip)
    np.testing.assert_allclose(one.logits[:, 0], two.logits[:, 0], rtol=0, atol=0.2)
    assert two.timeline()[1][0] <= one.timeline()[1][0]


def test_results_of_other_words_are_not_taken_as_done(run, clip, model, tmp_path):
    usual = [clip, "-m", model, "-o", f"{tmp_path}/", "-f", "json", "--skip-existing"]
    path = tmp_path / "clip.mp4.json"

    def is_done(*words: str) -> bool:
        before = path.stat().st_mtime_ns if path.exists() else None
        assert run(*usual, *words)[0] == 0
        return path.stat().st_mtime_ns == before

    assert not is_done("--label", "kick")
    assert is_done("--label", "kick")
    for other in (
        ["--label", "jump"],
        ["--label", "kick | kicking"],
        ["--label", "kick", "--background", "none"],
        ["--label", "kick", "--template", "a {}"],
        [],
    ):
        assert not is_done(*other), other


# Search


def test_a_pattern_that_is_no_label_becomes_a_word(run, clip, model):
    code, out, err = run("grep", "opening the till", clip, "-m", model, "--min-score", "0.01")
    assert code == 0
    assert ":opening the till:" in out
    assert err == (
        f"vidtag: 'opening the till' is no label of {model}: it is looked for as words of your "
        "own.\n"
    )
    _, same, err = run(
        *("grep", "opening", clip, "-m", model, "--min-score", "0.01"),
        *("--label", "opening the till"),
    )
    assert (same, err) == (out, "")


def test_patterns_that_are_labels_or_expressions_stay_patterns(run, clip, model):
    _, out, err = run("grep", "squ", clip, "-m", model, "--min-score", "0.01")
    assert ":squat:" in out
    assert err == ""
    _, _, err = run("grep", "kick|hop.*", clip, "-m", model)
    assert "no label" in err
    assert "words of your own" not in err


def test_words_and_labels_are_looked_for_together(run, clip, model):
    usual = ["grep", "-e", "squat", "-e", "a cow", clip, "-m", model, "--min-score", "0.001"]
    _, out, _ = run(*usual)
    assert {line.split(":")[-2] for line in out.splitlines()} == {"squat", "a cow"}


def test_a_closed_model_makes_no_words_of_patterns(run, clip, folder):
    closed = str(make_tiny_model(folder / "closed"))
    code, _, err = run("grep", "opening the till", clip, "-m", closed)
    assert code == 1
    assert "matches 'opening the till'" in err


# Lists of labels


@pytest.mark.parametrize(
    "content",
    [
        b"kick\nwaving\n",
        b"# mine\n\n  kick  \r\nwaving\r\n",
        b"\xef\xbb\xbfkick\nwaving",
        "kick\nwaving\n".encode("utf-16"),
        "kick\nwaving\n".encode("utf-16-be").join([b"\xfe\xff", b""]),
    ],
)
def test_a_list_of_labels(run, clip, model, tmp_path, content):
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    code, out, err = run(clip, "-m", model, "--json", "--labels-from", str(path), "--label", "x")
    assert (code, err) == (0, "")
    assert [one["label"] for one in json.loads(out)["model"]["words"]] == ["x", "kick", "waving"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "there is no label in it"),
        (b"# nothing\n\n", "there is no label in it"),
        (b"caf\xe9\n", "it is no UTF-8 text (byte 3)"),
        (b"\n".join(b"label %d" % k for k in range(10_001)), "it holds 10,001 labels"),
        (b"x" * (5 << 20), "it is larger than any list of labels"),
    ],
)
def test_a_list_that_is_none(run, clip, model, tmp_path, content, why):
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    code, out, err = run(clip, "-m", model, "--labels-from", str(path))
    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("path", ["missing.txt", "."])
def test_a_list_that_is_not_there(run, clip, model, path):
    code, _, err = run(clip, "-m", model, "--labels-from", path)
    assert code == 2
    assert err.startswith(f"vidtag: --labels-from '{path}': it ")
    assert err.count("\n") == 1


def test_stdin_is_read_once(run, model):
    for others in (["-"], ["--files-from", "-"]):
        code, _, err = run("-m", model, "--labels-from", "-", *others)
        assert code == 2
        assert "stdin can be read once" in " ".join(err.split())


def test_a_list_of_labels_is_never_written_over(run, clip, model, tmp_path):
    path = tmp_path / "labels.json"
    path.write_text("kick\n")
    code, _, err = run(clip, "-m", model, "--labels-from", str(path), "-o", str(path))
    assert code == 2
    assert path.read_text() == "kick\n"
    assert err.count("\n") == 1


# What people give


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--label", ""], "A label is empty"),
        (["--label", " | "], "A label is empty"),
        (["--label", "kick", "--template", "a video"], "must have one {}"),
        (["--label", "kick", "-m", "demo"], "-m xclip can"),
        (["--label", "kick", "-m", "base"], "-m xclip can"),
    ],
)
def test_words_that_can_not_be_used(run, clip, model, arguments, why):
    code, out, err = run(clip, "-m", model, *arguments)
    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1


def test_odd_words_are_told_and_shown_safely(run, clip, model):
    words = ["a\nb", "\u202eevil\x1b[31m", "\u00e9t\u00e9 \u4f60\u597d", "kick", "KICK", "w " * 300]
    arguments = [part for word in words for part in ("--label", word)]
    code, out, err = run(clip, "-m", model, "--json", *arguments)
    assert code == 0
    labels = [one["label"] for one in json.loads(out)["model"]["words"]]
    assert labels == [
        "a b",
        "evil [31m",
        "\u00e9t\u00e9 \u4f60\u597d",
        "kick",
        ("w " * 300).strip(),
    ]
    assert "'kick' was given more than once" in err
    assert "reads 40" in err
    assert "\x1b" not in out + err
    assert {one["code"] for one in json.loads(out)["warnings"]} == {
        "label_repeated",
        "label_truncated",
    }


def test_five_thousand_words(clip, model):
    labels = tuple(f"number {k}" for k in range(5000))
    document = Tagger(LoadOptions(model=model, labels=labels, engine="torch")).tag(clip)
    assert document.model.num_labels == 5000
    assert len(document.tags) == 5
    assert document.background_score is not None


def test_what_is_left_out_is_said_where_it_is_asked_for(run, clip, model):
    _, _, err = run(clip, "-m", model, "--label", "squat", "-v")
    assert "1 label of your own, against " in err
    assert "left out of them" in err
    assert "'squat' (near to 'squat', 1.00)" in err
    _, _, err = run(clip, "-m", model, "--label", "squat", "--background", "none", "-v")
    assert "compete with one another alone" in err


def test_the_cache_tells_and_forgets_texts(run, clip, model, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path))
    run(clip, "-m", model, "--label", "squat")
    texts = tmp_path / "texts.sqlite3"
    assert texts.stat().st_size > 0
    _, out, _ = run("cache")
    assert "texts as read" in out
    run("cache", "--clear")
    assert not texts.exists() or b"squat" not in texts.read_bytes()


def test_every_format_takes_words(run, clip, model, tmp_path):
    formats = ["json", "csv", "tsv", "srt", "vtt", "chapters", "youtube", "otio", "edl", "fcp7",
               "fcpxml", "xmp", "audacity", "eaf", "activitynet", "labelstudio",
               "html"]  # fmt: skip
    arguments = [part for name in formats for part in ("-f", name)]
    code, _, err = run(
        *(clip, "-m", model, "-o", f"{tmp_path}/", "--min-score", "0.05", *arguments),
        *("--label", '<b>kick & "run"</b>', "--label", "squat"),
    )
    assert code == 0, err
    assert len(list(tmp_path.iterdir())) >= len(formats)
    page = Path(tmp_path / "clip.mp4.html").read_text()
    assert "<b>kick" not in page


# Why


def test_a_word_is_explained_by_what_is_covered(run, clip, model):
    usual = ["explain", clip, "-m", model, "--label", "Kick | kicks"]
    code, out, err = run(*usual, "--method", "occlusion", "--json")
    assert code == 0, err
    [explanation] = json.loads(out)["explanations"]
    assert (explanation["label"], explanation["index"]) == ("Kick", 0)
    assert 0 < explanation["score"] < 1
    code, _, err = run(*usual)
    assert code == 1
    assert "not inside a model that reads text; try --method occlusion" in err


def test_a_background_is_never_what_is_explained(clip, model):
    from vidtag.explain.methods import explain_window

    classifier = Tagger(model, labels=["kick"]).classifier
    frames = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    explanation = explain_window(classifier, frames, method="occlusion")
    assert explanation.label == "kick"
    assert 0 < explanation.score < 1


def test_pages_of_words_have_maps(run, clip, model, tmp_path):
    code, _, err = run(
        *(clip, "-m", model, "-f", "html", "--explain", "-o", f"{tmp_path}/"),
        *("--label", "kick", "--min-score", "0.01"),
    )
    assert code == 0, err
    assert "Where the evidence for" in (tmp_path / "clip.mp4.html").read_text()
