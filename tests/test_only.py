"""`--only`: what of a result is about some labels, and what such a result says of the rest."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from documents import HOSTILE_LABELS, make_document, make_documents, make_empty, make_worded

from vidtag.cli.grep_run import explain_undecided
from vidtag.documents.json import to_json
from vidtag.documents.records import Document, summarise
from vidtag.documents.stored import read_documents
from vidtag.errors import DocumentError
from vidtag.formats import FORMATS
from vidtag.search.filtering import keep_matching
from vidtag.search.matching import compile_patterns
from vidtag.search.stored import search_document

ROOT = Path(__file__).parents[1]
GYM = str(ROOT / "sample_videos" / "gym_session.mp4")


def only(document: Document, *texts: str) -> Document:
    return keep_matching(document, compile_patterns(texts))


def labels_of(document: Document) -> set[str]:
    records = [*document.tags, *document.summary, *document.segments]
    records += [tag for step in document.timeline for tag in step.tags]
    return {one.label for one in records}


def test_what_does_not_match_is_left_out_everywhere() -> None:
    whole = make_document()
    document = only(whole, "JUGG", "^riding")
    assert labels_of(document) == {"juggling balls", "riding a bike"}
    assert document.settings.only == ("JUGG", "^riding")
    assert document.segments == tuple(one for one in whole.segments if one.index in (2, 4))
    assert document.summary == summarise(document.segments, document.sampling)
    assert {one.index: one for one in document.summary} == {
        one.index: one for one in whole.summary if one.index in (2, 4)
    }
    assert len(document.timeline) == len(whole.timeline)
    assert (document.video, document.model) == (whole.video, whole.model)


@pytest.mark.slow
@pytest.mark.parametrize("document", make_documents().values(), ids=make_documents())
def test_every_format_takes_it(document: Document) -> None:
    for pattern in ("a", "no such label"):
        kept = only(document, pattern)
        for one in FORMATS.values():
            assert isinstance(one.to_bytes([kept]), bytes)
        text = FORMATS["json"].write([kept])
        assert read_documents(text, "x") == [kept]


@pytest.mark.parametrize("name", [n for n, one in FORMATS.items() if one.is_text])
def test_no_format_tells_of_the_others(name: str) -> None:
    text = FORMATS[name].write([only(make_document(), "juggling")])
    others = ("riding a bike", "jumping jacks", "waving hand", "clapping")
    assert not [label for label in others if label in text]


def test_what_went_to_none_of_given_labels_is_left_out_too() -> None:
    document = only(make_worded(), "fridge")
    assert document.background_score is None
    assert not any(step.background_score for step in document.timeline)
    for name in ("table", "html"):
        assert "none of these" not in FORMATS[name].write([document])


def test_what_is_for_people_says_so() -> None:
    text = FORMATS["table"].write([only(make_document(), "juggling", "x")])
    assert "only labels that match 'juggling' or 'x'" in text
    page = FORMATS["html"].write([only(make_document(), "juggling", "<x>")])
    assert "only labels that match “<bdi>juggling</bdi>” or “<bdi>&lt;x&gt;</bdi>”" in page
    assert "no label that matches reaches 0.3" in FORMATS["table"].write([only(make_empty(), "x")])


def test_twice_is_once_and_other_patterns_need_the_whole() -> None:
    document = only(make_document(), "juggling")
    assert only(document, "juggling") == document
    with pytest.raises(DocumentError, match=r"made with --only 'juggling', and what else"):
        only(document, "riding")


def test_a_hostile_pattern_stays_on_its_line() -> None:
    for label in HOSTILE_LABELS:
        document = replace(
            make_document(), settings=replace(make_document().settings, only=(label,))
        )
        assert read_documents(to_json(document), "x") == [document]
        assert "\x1b" not in FORMATS["table"].write([document])


def test_grep_knows_what_such_a_document_can_not_say() -> None:
    document = only(make_document(), "juggling")
    known = search_document(document, compile_patterns(["juggling"]), min_score=0.3)
    assert [(hit.start_seconds, hit.end_seconds) for hit in known.hits] == [(0.0, 3.0)]
    assert not known.undecided
    other = search_document(document, compile_patterns(["riding"]), min_score=0.3)
    assert not other.hits
    # Where juggling has more than 0.7, nothing else reaches 0.3.
    assert [(gap.start_seconds, gap.end_seconds) for gap in other.undecided] == [(2.0, 7.7)]
    said = explain_undecided("a.mp4", document, other, min_score=0.3)
    assert said is not None
    assert said.endswith("is not in this result may reach 0.3; it was made with --only 'juggling'.")


def test_grep_never_says_of_it_what_the_whole_does_not() -> None:
    whole = make_document()
    for pattern in ("juggling", "riding", "jumping", "clapping", "a"):
        for score in (0.05, 0.1, 0.2, 0.3, 0.5, 0.8):
            full = search_document(whole, compile_patterns([pattern]), min_score=score)
            cut = search_document(only(whole, "j"), compile_patterns([pattern]), min_score=score)
            seen = [*cut.hits, *cut.undecided]
            for hit in full.hits:
                assert any(
                    one.start_seconds <= hit.start_seconds and hit.start_seconds < one.end_seconds
                    for one in seen
                ), (pattern, score, hit)


@pytest.mark.slow
def test_it_is_asked_for_on_the_command_line(run, tmp_path) -> None:
    code, out, err = run(GYM, "-m", "demo", "--only", "squat", "--only", "PUSH", "--only", "zzz",
                         "--json")  # fmt: skip
    assert code == 0
    document = json.loads(out)
    assert document["settings"]["only"] == ["squat", "PUSH", "zzz"]
    assert {one["label"] for one in document["segments"]} == {"squat", "push up"}
    assert {tag["label"] for one in document["timeline"] for tag in one["tags"]} <= {
        "squat",
        "push up",
    }
    assert err.count("warning: no label of demo matches 'zzz'.") == 1
    assert "'squat'" not in err


@pytest.mark.slow
def test_steps_come_without_the_others(run) -> None:
    code, out, _ = run(GYM, "-m", "demo", "--only", "squat", "-f", "steps", "--end", "8")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len(lines) == 9
    assert {tag["label"] for line in lines for tag in line["tags"]} == {"squat"}


def test_a_pattern_that_is_none_is_wrong_usage(run) -> None:
    code, _, err = run(GYM, "-m", "demo", "--only", "(")
    assert code == 2
    assert "'(' is no regular expression" in err


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_skip_existing_tells_it_from_a_whole_one(run, tmp_path, suffix) -> None:
    def skipped(*more: str) -> bool:
        code, _, err = run(GYM, "-m", "demo", "--end", "8", "-o", f"{tmp_path}/all.{suffix}",
                           "--skip-existing", *more)  # fmt: skip
        assert code == 0
        return "1 tagged" not in err

    assert not skipped()
    assert skipped()
    assert not skipped("--only", "squat")
    assert skipped("--only", "squat")
    assert not skipped("--only", "push")
    assert not skipped()


@pytest.mark.slow
@pytest.mark.parametrize("output", ["all.csv", "out/"])
def test_skip_existing_tells_layouts_apart(run, tmp_path, output) -> None:
    clip = tmp_path / "two.mp4"
    clip.write_bytes(Path(GYM).read_bytes())

    def skipped(*more: str) -> bool:
        code, _, err = run(GYM, str(clip), "-m", "demo", "--end", "4", "-f", "csv", "-o",
                           f"{tmp_path}/{output}", "--skip-existing", *more)  # fmt: skip
        assert code == 0
        return "2 skipped" in err

    assert not skipped()
    assert not skipped("--per", "step")
    assert skipped("--per", "step")
    assert not skipped()
    [path] = [*tmp_path.rglob("*gym*.csv"), *tmp_path.rglob("all.csv")]
    assert len({line.count(",") for line in path.read_text().splitlines()}) == 1


def test_stored_results_take_it_too(run, tmp_path) -> None:
    path = tmp_path / "tags.jsonl"
    path.write_text(f"{to_json(make_document())}\n{to_json(make_empty())}\n")
    code, out, err = run("show", str(path), "--only", "riding", "--only", "zzz", "-f", "csv")
    assert code == 0
    assert [line.split(",")[3] for line in out.splitlines()] == [
        "label",
        *["riding a bike"] * 2,
    ]
    assert err.count("warning: no label in these results matches 'zzz'.") == 1
    assert "'riding'" not in err
