"""Label files that are wrong: each gives one line that names the file and the row, or the entry.

Where others of the file are right, a wrong entry is left out, and a sentence of the notes names
it; where none is left, or the file as a whole makes no sense, it is an error.
"""

import json
from pathlib import Path

import pytest

from vidtag.errors import TruthError
from vidtag.formats.truths.reading import read_truths

ERRORS: dict[str, tuple[str, str | bytes, str]] = {
    # Bytes and text
    "empty": ("x.csv", "", "x.csv is empty: there are no labels in it."),
    "blank": ("x.csv", " \r\n\n", "x.csv is empty: there are no labels in it."),
    "a mark alone": ("x.csv", b"\xef\xbb\xbf", "x.csv: there is no labelled video in it."),
    "Latin-1": (
        "x.csv",
        "a.mp4,run\nb.mp4,dansé\n".encode("latin-1"),
        "x.csv: line 2: this is no UTF-8 (byte 0xe9); save the file as UTF-8.",
    ),
    "UTF-16 without a mark": (
        "x.csv",
        "a.mp4,run\nb.mp4,walk\n".encode("utf-16-le"),
        "x.csv: line 1: there is a NUL, so this is no UTF-8 text; save it as UTF-8.",
    ),
    "half of UTF-16": (
        "x.csv",
        "a.mp4,run\nb.mp4,walk\n".encode("utf-16")[:-1],
        "x.csv: line 2: this is broken UTF-16; save the file as UTF-8.",
    ),
    "a picture": (
        "x.csv",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "x.csv: line 1: this is no UTF-8 (byte 0x89); save the file as UTF-8.",
    ),
    "a NUL": (
        "x.csv",
        "a.mp4,run\nb\0.mp4,walk\n",
        "x.csv: line 2: there is a NUL, so this is no UTF-8 text; save it as UTF-8.",
    ),
    "a file of another kind": (
        "x.docx",
        "a.mp4,run",
        "x.docx: no labels are read from files of this kind; there are a folder per label, CSV",
    ),
    # Tables
    "no column of labels": (
        "x.csv",
        "path,person\na.mp4,ann\n",
        "x.csv: line 1: there is no column 'label' among 'path', 'person'; name it in the header.",
    ),
    "an unknown header": (
        "x.csv",
        "name,what\na.mp4,run\n",
        "x.csv: line 1: there is no column 'path' among 'name', 'what'; name it in the header.",
    ),
    "two columns of labels": (
        "x.csv",
        "path,label,class\na.mp4,run,run\n",
        "x.csv: line 1: 'label' and 'class' are both the column 'label'; rename one.",
    ),
    "starts without ends": (
        "x.csv",
        "path,label,start\na.mp4,run,1\n",
        "x.csv: line 1: there is a column 'start', but none for 'end'; add it.",
    ),
    "an open quote": (
        "x.csv",
        'path,label\na.mp4,run\n"b.mp4,walk\na.mp4,run\n',
        "x.csv: line 3: a quote is opened and never closed; correct this row.",
    ),
    "text behind a quote": (
        "x.csv",
        'a.mp4,run\n"b".mp4,walk\n',
        "x.csv: line 2: ',' expected after '\"'; correct this row.",
    ),
    "a cell beyond all": (
        "x.csv",
        f"a.mp4,run\nb.mp4,{'x' * 200_000}\n",
        "x.csv: line 2: field larger than field limit (131072); correct this row.",
    ),
    "three columns and no header": (
        "x.csv",
        "a.mp4,run,1\n",
        "x.csv: no video with a label is left; left out 1 entry that can't be read: line 1"
        " (3 columns and not path,label or path,label,start,end; quote names with commas).",
    ),
    "no video there": (
        "x.csv",
        "gone.mp4,run\n/nowhere/gone.mp4,walk\n",
        "x.csv: no video with a label is left; left out 2 videos that are not there:"
        " 'gone.mp4' (line 1), '/nowhere/gone.mp4' (line 2); say in which folder they are.",
    ),
    "one label": (
        "x.csv",
        "a.mp4,run\nb.mp4,run\n",
        "x.csv: all of it is 'run', and one label can't be told from another.",
    ),
    "frames folders": (
        "x.txt",
        "a.mp4 120 3\nb.mp4 98 4\n",
        "left out 2 entries that can't be read: line 1 (several numbers behind the video, and",
    ),
    "times in an unknown unit": (
        "x.csv",
        "path,label,Start frame,End frame\na.mp4,run,0,9\nb.mp4,walk,0,9\n",
        "x.csv: line 1: 'Start frame' seems to be a time in an unknown unit; call the columns",
    ),
    "splits of HMDB51": (
        "run_test_split1.txt",
        "a.mp4 1 \nb.mp4 2 \n",
        "run_test_split1.txt: as in HMDB51, its numbers say what a video is for, and not what is",
    ),
    "a header alone": ("x.csv", "path,label\n", "x.csv: there is no labelled video in it."),
    # JSON
    "no JSON": ("x.json", '{"database": ', "x.json: this is no JSON (EOF while parsing a value at"),
    "NaN in JSON": (
        "x.json",
        '{"results":\n {"a": [{"label": "run", "segment": [0, NaN]}]}}',
        "x.json: this is no JSON (expected value at line 2 column 41).",
    ),
    "other JSON": (
        "x.json",
        '{"name": "vidtag"}',
        "x.json: this JSON is of no layout that is known; labels are read from a folder per",
    ),
    "an empty list": ("x.json", "[]", "x.json: there is nothing in this list."),
    "a number": ("x.json", "3", "x.json: this JSON is of no layout that is known; labels"),
    "a database that is a list": (
        "x.json",
        '{"database": [1]}',
        "x.json: 'database' is no object with a video for each key.",
    ),
    "a key that stands twice": (
        "x.json",
        '{"database": {"a": {"annotations": []}, "b": {}, "a": {"annotations": []}}}',
        "x.json: the key 'a' stands twice in one object, of which one would be lost; merge them.",
    ),
    "segments that are no list": (
        "a.json",
        '{"segments": {"start_seconds": 0}}',
        "a.json: no video with a label is left; left out 1 entry that can't be read: segments"
        " (they are no list).",
    ),
    "a document of another version": (
        "x.json",
        '{"schema_version": 2, "video": {}}',
        "left out 1 entry that can't be read: result 1 (line 1: not a vidtag result of schema",
    ),
    "frames without a rate": (
        "x.json",
        json.dumps(
            [
                {
                    "id": 7,
                    "data": {"video": "a.mp4"},
                    "annotations": [
                        {
                            "result": [
                                {
                                    "value": {
                                        "ranges": [{"start": 1, "end": 5}],
                                        "timelinelabels": ["run"],
                                    }
                                }
                            ]
                        }
                    ],
                }
            ]
        ),
        "x.json: task 1 (id 7): it has ranges of frames, but does not tell the frame rate that"
        ' they were made with; add "fps" to the data of each task.',
    ),
    "the short export": (
        "x.json",
        '[{"video": "a.mp4", "id": 1, "actions": [], "annotator": 1, "lead_time": 3}]',
        "x.json: this is Label Studio's JSON-MIN, which leaves out the frame rate; export JSON.",
    ),
    "a task without data": (
        "x.json",
        '[{"id": 3, "annotations": []}]',
        "left out 1 entry that can't be read: task 1 (id 3) (it has no data).",
    ),
    # ELAN
    "no XML": ("x.eaf", "<ANNOTATION_DOCUMENT>\n<TIER>", "x.eaf: line 2: this is no XML (no elem"),
    "other XML": ("x.eaf", "<html></html>", "x.eaf: it is no EAF of ELAN: it begins with <html>."),
    "entities": (
        "x.eaf",
        '<!DOCTYPE a [<!ENTITY b "bbb">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>',
        "x.eaf: it declares entities, which no EAF does; it is not read.",
    ),
    "entities in UTF-16": (
        "x.eaf",
        '<!DOCTYPE a [<!ENTITY b "bbb">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>'.encode(
            "utf-16"
        ),
        "x.eaf: it declares entities, which no EAF does; it is not read.",
    ),
    "a time that stands twice": (
        "a.eaf",
        '<ANNOTATION_DOCUMENT><TIME_SLOT TIME_SLOT_ID="t" TIME_VALUE="1"/>'
        '<TIME_SLOT TIME_SLOT_ID="t" TIME_VALUE="2"/></ANNOTATION_DOCUMENT>',
        "a.eaf: its TIME_SLOT 't' has two times.",
    ),
    "an offset that is none": (
        "x.eaf",
        '<ANNOTATION_DOCUMENT><HEADER><MEDIA_DESCRIPTOR MEDIA_URL="a.mp4" TIME_ORIGIN="1.5"/>'
        "</HEADER></ANNOTATION_DOCUMENT>",
        "x.eaf: its TIME_ORIGIN '1.5' is no whole number.",
    ),
    "other units": (
        "x.eaf",
        '<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="PAL-frames"/></ANNOTATION_DOCUMENT>',
        "x.eaf: its times are in 'PAL-frames' and not milliseconds.",
    ),
    "prose": (
        "x.txt",
        "These are our clips. Ann labelled them in May.\nAsk her.\n",
        "x.txt: this is neither a list of videos with labels nor a track of labels; labels are",
    ),
    "names with the same number": (
        "x.txt",
        "a.mp4 0\nb.mp4 1\n",
        "classes.txt: line 2 has the number 0, which another has, too; correct it.",
    ),
    "names with a header": (
        "x.txt",
        "a.mp4 0\nb.mp4 1\n",
        "classes.txt: line 1 has no number before its name, as others have; correct it.",
    ),
    "names before their numbers": (
        "x.txt",
        "a.mp4 0\nb.mp4 1\n",
        "classes.txt: line 1 has its number behind the name; write it before.",
    ),
    "numbers from 1 of names from 0": (
        "x.txt",
        "a.mp4 1\nb.mp4 2\n",
        "x.txt: its classes are counted from 1, and in classes.txt from 0; write its number before",
    ),
    "names that stand twice": (
        "x.txt",
        "a.mp4 0\nb.mp4 1\n",
        "classes.txt: line 2: this name stands there already; classes need their own.",
    ),
}


CLASSES = {
    "names that stand twice": "run\nrun\n",
    "names with the same number": "0 run\n0 walk\n",
    "names with a header": "id,name\n0,run\n1,walk\n",
    "numbers from 1 of names from 0": "run\nwalk\n",
    "names before their numbers": "run 1\nwalk 0\n",
}


def write(folder: Path, name: str, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)


@pytest.mark.parametrize("kind", ERRORS)
def test_a_malformed_file_gives_one_line(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a.mp4", "")
    write(tmp_path, "b.mp4", "")
    if kind in CLASSES:
        write(tmp_path, "classes.txt", CLASSES[kind])
    name, content, message = ERRORS[kind]
    write(tmp_path, name, content)
    with pytest.raises(TruthError) as caught:
        read_truths(name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith((".", "again"))
    assert caught.value.code == "bad_truth"


GOOD = "path,label,start,end\na.mp4,run,0,1\nb.mp4,walk,0,1\na.mp4,walk,1,2\nb.mp4,run,1,2\n"

ROWS = {
    "too few columns": (
        "a.mp4",
        "entry that can't be read: line 6 (1 column and not the header's 4)",
    ),
    "too many columns": (
        "a, b.mp4,run,0,1",
        "line 6 (5 columns and not the header's 4; quote names with commas)",
    ),
    "a negative start": ("a.mp4,run,-1,2", "backwards or before 0:00: line 6 (-0:01 to 0:02)"),
    "end before start": ("a.mp4,run,2,1", "backwards or before 0:00: line 6 (0:02 to 0:01)"),
    "no length": ("a.mp4,run,0:02,2.0", "backwards or before 0:00: line 6 (0:02 to 0:02)"),
    "NaN": ("a.mp4,run,nan,1", "line 6 ('nan' is no time, such as 90, 1:30 or 90.5)"),
    "infinity": ("a.mp4,run,0,inf", "line 6 ('inf' is no time, such as 90, 1:30 or 90.5)"),
    "an exponent": ("a.mp4,run,0,1e3", "line 6 ('1e3' is no time, such as 90, 1:30 or 90.5)"),
    "a decimal comma": ('a.mp4,run,0,"1,5"', "line 6 ('1,5' is no time, such as 90, 1:30 or 90.5)"),
    "a clock of 75 seconds": ("a.mp4,run,0,1:75", "line 6 ('1:75' is no time, such as 90, 1:30"),
    "a time beyond all": ("a.mp4,run,0,99999999999", "line 6 (a time lies beyond any video)"),
    "digits without end": (f"a.mp4,run,0,{'9' * 5000}", f"line 6 ('{'9' * 40}' is no time, such"),
    "an end alone": ("a.mp4,run,,3", "line 6 (a time is missing)"),
    "the same again": ("a.mp4,run,0,1", "1 entry repeats another and counts once: line 6"),
    "the same by another name": ("./a.mp4,run,0:00,1.0", "repeats another and counts once: line 6"),
    "a video that is not there": ("c.mp4,run,0,1", "1 video that is not there: 'c.mp4' (line 6)"),
    "an absolute path": ("/no/c.mp4,run,0,1", "that is not there: '/no/c.mp4' (line 6)"),
    "a folder": (".,run,0,1", "1 video that is not there: '.' (line 6)"),
    "no video": (" ,run,0,1", "line 6 (it names no video)"),
    "standard input": ("-,run,0,1", "1 video that is not there: '-' (line 6)"),
    "a name with an escape": ("\x1b[31m.mp4,run,0,1", "there: '\\x1b[31m.mp4' (line 6)"),
    "a name of two lines": ('"c\nd.mp4",run,0,1', "there: 'c\\nd.mp4' (line 6)"),
    "an empty label": ("a.mp4, ,0,1", "line 6 (its label is empty)"),
    "a label of controls": ("a.mp4,\x07\x1b,0,1", "line 6 (its label is empty)"),
    "a label in JSON": (
        'a.mp4,"{""choices"": [""run"", ""walk""]}",0,1',
        "line 6 (its label is JSON, as in Label Studio's CSV; export JSON)",
    ),
    "a label with an escape": (
        "a.mp4,r\x1bun,5,6",
        "1 label has control characters, which became spaces: 'r un' (line 6)",
    ),
    "a label with a line break": (
        'a.mp4,"walk\r\n",5,6',
        "1 label has control characters, which became spaces: 'walk' (line 6)",
    ),
    "a label of other characters": (
        "a.mp4,ru\u200bn,5,6",
        "1 label looks like another, of other characters: 'ru\\u200bn' ('run').",
    ),
    "a password": (
        "ftp://me:secret@example.org/a.mp4,run,0,1",
        "1 video that is not there: 'ftp://example.org/a.mp4' (line 6)",
    ),
    "a label that differs by case": (
        "a.mp4,Run,5,6",
        "1 label differs from another by its case alone: 'run' ('Run')",
    ),
    "an overlap with itself": (
        "a.mp4,run,0.5,1",
        "1 segment overlaps an earlier one with its own label: 'a.mp4' at 0:00.5 ('run').",
    ),
    "an overlap": (
        "a.mp4,walk,0.5,0.7",
        "1 segment overlaps an earlier one with another label: 'a.mp4' at 0:00.5 ('run' and",
    ),
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_malformed_row_is_named_and_costs_no_other(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a.mp4", "")
    write(tmp_path, "b.mp4", "")
    row, note = ROWS[kind]
    write(tmp_path, "x.csv", f"{GOOD}{row}\n")
    truths = read_truths("x.csv")
    assert [one.path for one in truths.videos] == ["a.mp4", "b.mp4"]
    assert {"run", "walk"} <= {*truths.labels}
    assert any(note in one for one in truths.notes), truths.notes
    assert all("\n" not in one and one.endswith(".") for one in truths.notes)


def test_a_clock_among_milliseconds_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a.mp4", "")
    table = "path,label,start_ms,end_ms\na.mp4,run,0,1000\na.mp4,run,0:02,1:00\n"
    write(tmp_path, "x.csv", table)
    note = "line 3 (a clock is no number of milliseconds)"
    assert note in read_truths("x.csv").notes[0]


@pytest.mark.parametrize("layout", ["{} {}", "{},{}"])
def test_a_number_that_names_no_class_is_named(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [("a.mp4", "0"), ("b.mp4", "1.0"), ("c.mp4", "-1"), ("d.mp4", "2"), ("e.mp4", "squat")]
    for name, _ in rows:
        write(tmp_path, name, "")
    write(tmp_path, "classes.txt", "run\nwalk\n")
    write(tmp_path, "x.csv", "\n".join(layout.format(*row) for row in rows))
    truths = read_truths("x.csv")
    assert [one.label for one in truths.videos] == ["run", "walk", "squat"]
    assert truths.notes[0] == (
        "Left out 2 entries that can't be read: line 3 (label -1 is not in classes.txt: it has 0 to"
        " 1), line 4 (label 2 is not in classes.txt: it has 0 to 1)."
    )


def test_labels_that_are_names_stay_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a.mp4", "")
    write(tmp_path, "b.mp4", "")
    write(tmp_path, "x.csv", "a.mp4,360\nb.mp4,kickflip\n")
    assert read_truths("x.csv").notes[0].startswith("1 label is a number, and no file beside the")
    write(tmp_path, "classes.txt", "kickflip\n360\n")
    assert read_truths("x.csv").labels == ("360", "kickflip")
    write(tmp_path, "x.csv", "a.mp4,0\nb.mp4,1\n")
    write(tmp_path, "classes.txt", "100 m\n200 m\nlong jump\n")
    assert read_truths("x.csv").labels == ("100 m", "200 m")


ANNOTATIONS = {
    "no object": ("run", "results.a[1] (it is no object)"),
    "no label": ({"segment": [0, 1]}, "results.a[1] (its label is no text)"),
    "a number as label": ({"segment": [0, 1], "label": 3}, "results.a[1] (its label is no text)"),
    "three times": ({"segment": [0, 1, 2], "label": "run"}, "(its segment is no list of start and"),
    "a text as time": ({"segment": ["0", 1], "label": "run"}, "('0' is no time in seconds)"),
    "a yes as time": ({"segment": [True, 1], "label": "run"}, "(True is no time in seconds)"),
    "null as time": ({"segment": [None, 1], "label": "run"}, "(null is no time in seconds)"),
    "a time beyond all": ({"segment": [0, 1e300], "label": "run"}, "lies beyond any video"),
    "backwards": ({"segment": [3, 1], "label": "run"}, "results.a[1] (0:03 to 0:01)"),
}


@pytest.mark.parametrize("kind", ANNOTATIONS)
def test_a_malformed_annotation_is_named(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a.mp4", "")
    wrong, note = ANNOTATIONS[kind]
    right = [{"segment": [0, 1], "label": "walk"}, {"segment": [5, 6], "label": "run"}]
    results = {"a": [right[0], wrong, right[1]]}
    write(tmp_path, "x.json", json.dumps({"results": results}))
    truths = read_truths("x.json")
    assert len(truths.videos[0].segments) == 2
    assert note in truths.notes[0]


REGIONS = {
    "no value": ({"type": "timelinelabels"}, "task 1, region 2 (it has no value)"),
    "no ranges": ({"value": {"timelinelabels": ["run"]}}, "(it has no range of frames)"),
    "no labels": ({"value": {"ranges": [{"start": 1, "end": 2}]}}, "region 2 (it has no label)"),
    "a range of texts": (
        {"value": {"ranges": [{"start": "1", "end": 2}], "timelinelabels": ["run"]}},
        "(its range has no numbers of a first and a last frame)",
    ),
    "frame 0": (
        {"value": {"ranges": [{"start": 0, "end": 2}], "timelinelabels": ["run"]}},
        "before 0:00: task 1, region 2 (-0:00.04 to 0:00.08)",
    ),
    "two choices": ({"value": {"choices": ["run", "walk"]}}, "(2 choices, and one label is read)"),
}


@pytest.mark.parametrize("kind", REGIONS)
def test_a_malformed_region_is_named(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a.mp4", "")
    wrong, note = REGIONS[kind]
    right = [
        {"value": {"ranges": [{"start": 1, "end": 25}], "timelinelabels": [label]}}
        for label in ("run", "walk")
    ]
    regions = [right[0], wrong, right[1]]
    task = {"data": {"video": "a.mp4", "fps": 25}, "annotations": [{"result": regions}]}
    write(tmp_path, "x.json", json.dumps([task]))
    truths = read_truths("x.json")
    assert len(truths.videos[0].segments) == 2
    assert note in truths.notes[0]
