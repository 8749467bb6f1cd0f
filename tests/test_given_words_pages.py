"""Pages of given labels: what is read out, drawn and told of them."""

import json
import re
from dataclasses import replace

from documents import (
    NO_WORD,
    WORDS,
    make_document,
    make_documents,
    make_empty,
    make_worded,
)

from vidtag.documents.records import Document
from vidtag.documents.stretches import list_gaps
from vidtag.documents.words import LeftOutRecord
from vidtag.report.drawing import pool_steps
from vidtag.report.given import list_guesses
from vidtag.report.index import IndexEntry, render_index
from vidtag.report.page import render_page

WEAK = ((0, 0.28), (1, 0.26), (2, 0.2))
"""No label reaches 0.3, but the best one has more than the background."""


def page_data(document: Document) -> dict:
    page = render_page(document, video_href=None)
    return json.loads(re.search(r'id="data">(.*?)</script>', page)[1])


def test_a_page_reads_out_none_of_these():
    data = page_data(make_worded())
    assert data["labels"] == [*WORDS, "none of these"]
    assert data["indices"] == [0, 1, 2, -1]
    assert data["steps"][0] == [3, 930, 1, 60]
    assert data["steps"][1] == [1, 810, 3, 170]
    # No label holds from 5 on: a guess is read out in the first of these steps alone.
    assert data["gaps"] == [[5.0, 6.0]]


def test_guesses_are_cut_where_a_label_begins_to_hold():
    document = make_worded(rows=[WEAK, WEAK, ((0, 0.9),), WEAK, NO_WORD[0]])
    assert page_data(document)["gaps"] == [[0.0, 2.0], [3.0, 4.0]]
    [gap] = list_gaps(replace(document, segments=()))
    cut = [replace(gap, start_ms=500, end_ms=1500), replace(gap, start_ms=1500, end_ms=4700)]
    assert list_guesses(cut, document.timeline) == [[0.5, 4.0]]
    closed = make_document(rows=[WEAK])
    assert page_data(closed)["gaps"] == [[0.0, 0.7]]


def test_a_page_has_a_lane_of_what_is_left_over():
    page = render_page(make_worded(), video_href=None)
    assert "none of these in 48% of the time" in page
    assert "0:03.7, best 0.97" in page
    assert page.count('<div class="track other">') == 1
    assert "The grey lane is what went to none of the labels" in page
    held = render_page(make_worded(rows=[((0, 0.9),)] * 3), video_href=None)
    assert '<span class="held">best 0.10</span>' in held


def test_a_page_says_what_was_asked_and_what_it_competed_with():
    page = render_page(make_worded(), video_href=None)
    assert "“<bdi>pouring milk</bdi>” (also “<bdi>somebody is pouring milk</bdi>”)" in page
    assert "read as “<bdi>a video of {}.</bdi>”" in page
    assert "410 other phrases: Kinetics-400, and some for nothing of that" in page
    assert "“<bdi>pouring milk!</bdi>” to “<bdi>pouring milk</bdi>” (0.97)" in page
    alone = render_page(make_documents()["words alone"], video_href=None)
    assert "one another alone: their scores sum up to 1" in alone


def test_a_page_of_none_of_the_words_shows_them_all_the_same():
    page = render_page(make_worded(rows=NO_WORD), video_href=None)
    assert "None of these: no label reaches 0.3 anywhere; what they competed with has 0.97." in page
    assert page.count('<div class="row lane"') == 3
    assert "maybe" not in page.partition("<script")[0]
    weak = render_page(make_worded(rows=[WEAK]), video_href=None)
    assert "maybe <bdi>pouring milk</bdi>" in weak
    assert '<span class="name"><bdi>none of these</bdi>' in weak


def test_long_lists_are_cut_and_counted():
    words = [f"word {k} {'x' * 300}" for k in range(400)]
    document = make_worded(rows=[((0, 0.2),)], labels=words)
    left_out = [LeftOutRecord(phrase=f"p{k}", label=words[0], cosine=k / 400) for k in range(400)]
    background = replace(document.model.background, left_out=tuple(left_out))
    page = render_page(
        replace(document, model=replace(document.model, background=background)), video_href=None
    )
    assert "and 350 more" in page
    assert "and 380 more" in page
    assert "“<bdi>p399</bdi>”" in page
    assert "“<bdi>p379</bdi>”" not in page
    assert len(page) < 300_000


def test_pooled_steps_keep_the_best_of_what_is_left_over():
    pooled = pool_steps(make_worded().timeline, 2)
    assert [step.background_score for step in pooled] == [0.93, 0.97]
    assert {step.background_score for step in pool_steps(make_document().timeline, 2)} == {None}


def test_an_index_says_none_of_these_in_place_of_a_guess():
    documents = [make_worded(), make_worded("street.mp4", rows=NO_WORD), make_empty()]
    page = render_index([IndexEntry(result=one) for one in documents])
    assert '<bdi>none of these</bdi> <span class="score">0.97</span>' in page
    assert 'aria-label="none of these"' in page
    assert page.count("\u2013 maybe") == 1
    assert "3 given labels against 410 other phrases (Kinetics-400), 1 left out as too" in page


def test_labels_of_other_words_look_different_in_an_index():
    others = ["sweeping", "ironing", "reading"]
    documents = [make_worded(), make_worded("b.mp4", labels=others), make_worded("c.mp4")]
    page = render_index([IndexEntry(result=one) for one in documents])
    strips = re.findall(r'<svg class="strip".*?</svg>', page, re.DOTALL)
    fills = [set(re.findall(r"url\(#(\S+)\)", strip)) for strip in strips]
    assert fills[0] == fills[2]
    assert not fills[0] & fills[1]
