"""Whatever a label file holds, it is read, or refused with a sentence that fits on a line."""

import json
import os
from pathlib import Path

import pytest
from documents import make_document, make_worded
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vidtag.errors import TruthError
from vidtag.formats import get_format
from vidtag.formats.truths.reading import read_truths
from vidtag.text import printable

DOCUMENTS = [make_document("a.mp4"), make_worded("b.mp4")]

DATABASE = {"database": {"a": {"subset": "training", "annotations": [{"label": "x"}]}}}

SEEDS = {
    "x.csv": b"path,label,start,end\na.mp4,run,0,1\nb.mp4,walk,1:02,1:04.5\n",
    "x.txt": b"a.mp4 0\nb.mp4 1\n",
    "a.txt": b"0.5\t1.5\trun\n2\t3\twalk\n",
    "x.json": json.dumps(DATABASE).encode(),
    **{
        f"{name}{get_format(name).suffix}": get_format(name).write(DOCUMENTS).encode()
        for name in ("json", "csv", "tsv", "activitynet", "labelstudio")
    },
    "a.eaf": get_format("eaf").write(DOCUMENTS[:1]).encode(),
}

KEYS = (
    *("segments", "label", "database", "results", "a", "annotations", "segment", "result", "data"),
    *("video", "fps", "value", "ranges", "timelinelabels", "choices", "start", "end", "meta", "id"),
    *("schema_version", "predictions", "subset", "start_seconds", "end_seconds"),
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


def read(folder: Path, name: str, content: bytes) -> None:
    for video in ("a.mp4", "b.mp4"):
        (folder / video).touch()
    path = folder / name
    path.write_bytes(content)
    try:
        said = read_truths(str(path)).notes
    except TruthError as exc:
        said = (str(exc),)
    finally:
        os.unlink(path)
    for one in said:
        assert printable(one) == one
        assert len(one) < 1500


@pytest.mark.parametrize("name", SEEDS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files(name: str, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(SEEDS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.sampled_from([0, 1, 1, 4, 40]))
        new = data.draw(st.binary(max_size=3) | st.sampled_from([b'"', b"\n", b"-", b"9" * 30]))
        content[at : at + length] = new
    read(tmp_path, name, bytes(content))


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(value=[{"id": 10**4000, "data": {"video": "a.mp4", "fps": 10**4000}, "predictions": [1]}])
@example(value={"results": {"a\nb" * 100: [{"label": "x" * 10**5, "segment": [3, 1]}]}})
@example(value={"segments": [{"label": "x\n" * 500, "start_seconds": 10**4000, "end_seconds": 1}]})
@given(value=VALUES)
def test_any_json(value: object, tmp_path: Path) -> None:
    read(tmp_path, "a.json", json.dumps(value).encode())
