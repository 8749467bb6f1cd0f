"""Stored documents of given labels: what no run of vidtag can have written."""

import json
from dataclasses import replace

import pytest
from documents import (
    give_words,
    make_document,
    make_worded,
)

from vidtag.documents.json import to_json
from vidtag.documents.stored import read_documents
from vidtag.errors import DocumentError
from vidtag.outputs import fingerprint

ODD = {
    "score beyond 1": ("background_score", 1.5),
    "no score": ("background_score", None),
    "score of a step": ("timeline.2.background_score", -0.1),
    "no score of a step": ("timeline.2.background_score", None),
    "scores without a background": ("model.background", None),
    "no words": ("model.words", None),
    "too few words": ("model.num_labels", 4),
    "no label": ("model.words.1.label", ""),
    "no phrases": ("model.words.1.phrases", []),
    "an empty phrase": ("model.words.1.phrases", [""]),
    "words of a closed model": ("model.labels", None),
    "another kind": ("model.labels", "taken"),
    "no template": ("model.template", None),
    "template without a place": ("model.template", "a video"),
    "template with two": ("model.template", "{} {}"),
    "odd count": ("model.background.num_phrases", -1),
    "odd limit": ("model.background.limit", 2),
    "odd cosine": ("model.background.left_out.0.cosine", -3),
    "a stranger's label": ("model.background.left_out.0.label", "running"),
    "odd source": ("model.background.source", "elsewhere"),
}


@pytest.mark.parametrize(("place", "value"), ODD.values(), ids=ODD)
def test_what_no_run_can_have_written_is_refused(place, value):
    content = json.loads(to_json(make_worded()))
    target = content
    *parents, last = [int(part) if part.isdecimal() else part for part in place.split(".")]
    for part in parents:
        target = target[part]
    target[last] = value
    with pytest.raises(DocumentError, match="not a vidtag result") as caught:
        read_documents(json.dumps(content), "x")
    assert len(str(caught.value)) < 200


def test_a_background_score_of_a_closed_model_is_refused():
    content = json.loads(to_json(make_document()))
    content["background_score"] = 0.5
    with pytest.raises(DocumentError, match="background_score: there is no background"):
        read_documents(json.dumps(content), "x")


def test_a_background_of_which_nothing_is_left_has_no_score():
    document = give_words(make_document(), [f"word {k}" for k in range(7)], has_background=False)
    background = make_worded().model.background
    background = replace(background, num_phrases=0, left_out=())
    document = replace(document, model=replace(document.model, background=background))
    assert read_documents(to_json(document), "x") == [document]


def test_a_file_of_several_videos_remembers_the_words_that_it_was_made_with():
    words = fingerprint.record_of(make_worded())
    assert "words" not in fingerprint.record_of(make_document())["model"]
    assert words["model"]["words"] == json.loads(to_json(make_worded()))["model"]["words"]
    assert words["model"]["background"]["left_out"] == []
