"""ELAN's EAF, read back by pympi and held against the rules of its schema (EAFv3.0.xsd)."""

import re
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path

import pympi
import pytest
from documents import make_document, make_documents

from vidtag.formats import get_format
from vidtag.text import one_line

DOCUMENTS = make_documents()

_ID = re.compile(r"[A-Za-z_][\w.-]*")


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_pympi_reads_a_tier_per_label(kind: str, tmp_path: Path) -> None:
    document = DOCUMENTS[kind]
    path = tmp_path / "clip.eaf"
    path.write_text(get_format("eaf").write([document]), encoding="utf-8")
    eaf = pympi.Elan.Eaf(str(path))
    assert len(eaf.get_tier_names()) == len({segment.index for segment in document.segments})
    read = sorted(
        (start, end, value)
        for tier in eaf.get_tier_names()
        for start, end, value in eaf.get_annotation_data_for_tier(tier)
    )
    assert read == sorted(
        (
            round(segment.start_seconds * 1000),
            round(segment.end_seconds * 1000),
            f"{segment.score:.3f}",
        )
        for segment in document.segments
    )
    names = {one_line(segment.label, segment.index) for segment in document.segments}
    if kind != "same label twice":
        assert set(eaf.get_tier_names()) == names


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_eaf_keeps_the_rules_of_its_schema(kind: str) -> None:
    root = ET.fromstring(get_format("eaf").write([DOCUMENTS[kind]]))
    assert root.tag == "ANNOTATION_DOCUMENT"
    assert {"AUTHOR", "DATE", "VERSION"} <= root.attrib.keys()
    datetime.fromisoformat(root.attrib["DATE"])
    order = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE"]
    assert [order.index(child.tag) for child in root] == sorted(
        order.index(child.tag) for child in root
    )
    assert [child.tag for child in root if child.tag != "TIER"] == [
        "HEADER",
        "TIME_ORDER",
        "LINGUISTIC_TYPE",
    ]
    header = root.find("HEADER")
    assert header is not None
    assert header.attrib["TIME_UNITS"] == "milliseconds"
    for media in header.iter("MEDIA_DESCRIPTOR"):
        assert {"MEDIA_URL", "MIME_TYPE"} <= media.attrib.keys()
        assert re.fullmatch(r"[a-z]+/[\w.*-]+", media.attrib["MIME_TYPE"])
    slots = {slot.attrib["TIME_SLOT_ID"]: slot for slot in root.iter("TIME_SLOT")}
    times = [int(slot.attrib["TIME_VALUE"]) for slot in root.iter("TIME_SLOT")]
    assert len(slots) == len(times)
    assert times == sorted(times)
    assert all(time >= 0 for time in times)
    types = {one.attrib["LINGUISTIC_TYPE_ID"] for one in root.iter("LINGUISTIC_TYPE")}
    tiers = root.findall("TIER")
    assert len({tier.attrib["TIER_ID"] for tier in tiers}) == len(tiers)
    ids = [*slots]
    for tier in tiers:
        assert tier.attrib["LINGUISTIC_TYPE_REF"] in types
        end = 0
        for annotation in tier:
            [alignable] = annotation
            assert (annotation.tag, alignable.tag) == ("ANNOTATION", "ALIGNABLE_ANNOTATION")
            ids.append(alignable.attrib["ANNOTATION_ID"])
            start = int(slots[alignable.attrib["TIME_SLOT_REF1"]].attrib["TIME_VALUE"])
            assert start >= end  # annotations on a tier neither overlap nor go back
            end = int(slots[alignable.attrib["TIME_SLOT_REF2"]].attrib["TIME_VALUE"])
            assert end > start
            [value] = alignable
            assert value.tag == "ANNOTATION_VALUE"
    assert len(set(ids)) == len(ids)
    assert all(_ID.fullmatch(one) for one in ids)
    [last] = header.findall("PROPERTY[@NAME='lastUsedAnnotationId']")
    assert last.text == str(sum(one.startswith("a") for one in ids))


@pytest.mark.parametrize(
    ("path", "container", "url", "relative", "mime"),
    [
        ("clips/a b.mp4", "mp4", "clips/a b.mp4", "./a b.mp4", "video/mp4"),
        ("/srv/a#1.mkv", "matroska", "file:///srv/a#1.mkv", "./a#1.mkv", "video/x-matroska"),
        ("C:\\v\\a.avi", "avi", "file:///C:/v/a.avi", "./a.avi", "video/x-msvideo"),
        ("https://e.org/a.mp4?x", "mp4", "https://e.org/a.mp4?x", "./a.mp4", "video/mp4"),
        ('a&<".flv', "flv", 'a&<".flv', './a&<".flv', "video/*"),
        ("a\nb.mp4", "mp4", "a\\nb.mp4", "./a\\nb.mp4", "video/mp4"),
    ],
)
def test_the_video_is_linked(path: str, container: str, url: str, relative: str, mime: str) -> None:
    document = make_document(path, container=container)
    root = ET.fromstring(get_format("eaf").write([document]))
    [media] = root.iter("MEDIA_DESCRIPTOR")
    assert media.attrib == {
        "MEDIA_URL": url,
        "MIME_TYPE": mime,
        "RELATIVE_MEDIA_URL": relative,
    }


def test_a_stream_on_stdin_is_not_linked() -> None:
    root = ET.fromstring(get_format("eaf").write([DOCUMENTS["stdin"]]))
    assert not [*root.iter("MEDIA_DESCRIPTOR")]


def test_labels_of_the_same_name_have_tiers_of_their_own() -> None:
    root = ET.fromstring(get_format("eaf").write([DOCUMENTS["same label twice"]]))
    assert [tier.attrib["TIER_ID"] for tier in root.iter("TIER")] == ["walk", "walk #4", "walk #1"]
