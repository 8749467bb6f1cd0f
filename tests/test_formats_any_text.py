"""Whatever a label or a path is made of, every format stays readable."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import av
import pysubs2
import pytest
import webvtt
from documents import make_document
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vidtag.formats import FORMATS
from vidtag.text import escape_controls, one_line

# Text that formats take for their own comes up often enough; surrogates may stand in JSON.
TEXT = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"]),
        st.sampled_from("=;#\\<>&{}\"'-,.[]%:/?*$@+\n\r\t\0"),
    ),
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@example(path="a.mp4", labels=["a", "b", "\r"])  # csv.writer leaves a lone \r unquoted
@example(path="a.mp4", labels=["a", "b", "c\\"])  # FFmpeg joins the next line to a last backslash
@given(path=TEXT.filter(bool), labels=st.lists(TEXT, min_size=3, max_size=3))
def test_any_name_and_label_leave_every_format_readable(path: str, labels: list[str]) -> None:
    document = make_document(path, rows=[((k, 0.9),) for k in range(3)], labels=labels)
    shown = [one_line(label, k) for k, label in enumerate(labels)]
    written = {
        name: one.write([document])
        for name, one in FORMATS.items()
        if one.is_text and name != "html"
    }
    for name, text in written.items():
        text.encode("utf-8")
        allowed = {"csv": "\t\r\n", "tsv": "\t\n", "audacity": "\t\n"}.get(name, "\n")
        assert not [c for c in text if (c < " " or "\x7f" <= c < "\xa0") and c not in allowed]

    assert json.loads(written["json"])["tags"][0]["label"] == labels[0]
    assert written["json"].count("\n") == 1

    rows = list(csv.reader(io.StringIO(written["csv"], newline=""), strict=True))
    assert [len(row) for row in rows] == [10] * 4
    wanted = [escape_controls(label, keep="\t\r\n") for label in labels]
    assert [row[3].removeprefix("'") for row in rows[1:]] == [w.removeprefix("'") for w in wanted]
    lines = written["tsv"].split("\n")
    assert [line.count("\t") for line in lines] == [9] * 4 + [0]

    assert len(pysubs2.SSAFile.from_string(written["srt"], format_="srt")) == 3
    assert len(webvtt.from_string(written["vtt"])) == 3
    with av.open(io.BytesIO(written["chapters"].encode()), format="ffmetadata") as container:
        titles = [chapter["metadata"]["title"].rstrip() for chapter in container.chapters()]
    assert titles == shown

    tiers = ET.fromstring(written["eaf"]).findall("TIER")
    assert len({tier.attrib["TIER_ID"] for tier in tiers}) == len(tiers) == 3
    config = ET.fromstring(written["labelstudio-config"])
    values = {label.attrib["value"] for label in config.iter("Label")}
    assert values == set(shown)
    [task] = json.loads(written["labelstudio"])
    regions = task["predictions"][0]["result"]
    assert [region["value"]["timelinelabels"] for region in regions] == [[one] for one in shown]

    [found] = json.loads(written["activitynet"])["results"].values()
    assert [one["label"] for one in found] == labels
    timeline = json.loads(written["otio"])
    [clip] = timeline["tracks"]["children"][0]["children"]
    assert [marker["name"] for marker in clip["markers"]] == shown

    assert re.findall(r" [|]M:(.+) [|]D:", written["edl"]) == [
        w.replace("|", "\u00a6") for w in shown
    ]
    assert [m.findtext("name") for m in ET.fromstring(written["fcp7"]).iter("marker")] == shown
    assert [m.get("value") for m in ET.fromstring(written["fcpxml"]).iter("marker")] == shown
    named = ET.fromstring(written["xmp"]).iter("{http://ns.adobe.com/xmp/1.0/DynamicMedia/}name")
    assert [name.text for name in named] == shown
    assert [line.split("\t")[2] for line in written["audacity"].split("\n")[:-1]] == shown
    [chapter] = written["youtube"].split("\n")[:-1]
    assert chapter.startswith("0:00 ")
