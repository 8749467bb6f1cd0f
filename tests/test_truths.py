"""The layouts that labels are read from, and what is said of them."""

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
from documents import make_document, make_empty, make_failed

from vidtag.errors import TruthError
from vidtag.formats import get_format
from vidtag.formats.truths.reading import read_truths
from vidtag.formats.truths.truth import LabelledVideo, Truths

SAMPLES = Path(__file__).parents[1] / "sample_videos"


def put(folder: Path, *names: str) -> None:
    """Put videos into a folder; no reader of labels opens one."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def write(folder: Path, name: str, content: object) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8", newline="")
    return str(folder / name)


def shown(truths: Truths, folder: Path) -> list[tuple[object, ...]]:
    """Show each video with its label, or its segments."""
    return [
        (Path(one.path).relative_to(folder).as_posix(), one.label or times(one))
        for one in truths.videos
    ]


def times(video: LabelledVideo) -> list[tuple[float, float, str]]:
    return [(float(s.start_seconds), float(s.end_seconds), s.label) for s in video.segments]


# Folders


def test_a_folder_per_label(tmp_path: Path) -> None:
    put(tmp_path, "run/a.mp4", "run/b.MOV", "walk/c.webm", "walk/day 2/d.mp4", ".git/x/e.mp4")
    truths = read_truths(str(tmp_path))
    assert shown(truths, tmp_path) == [
        ("run/a.mp4", "run"),
        ("run/b.MOV", "run"),
        ("walk/c.webm", "walk"),
        ("walk/day 2/d.mp4", "walk"),
    ]
    assert truths.labels == ("run", "walk")
    assert truths.notes == ()


def test_subsets_above_the_labels(tmp_path: Path) -> None:
    put(tmp_path, "train/run/a.mp4", "train/walk/b.mp4", "Val/run/c.mp4", "test/walk/d.mp4")
    truths = read_truths(str(tmp_path))
    assert {Path(one.path).name: one.subset for one in truths.videos} == {
        "a.mp4": "training",
        "b.mp4": "training",
        "c.mp4": "validation",
        "d.mp4": "testing",
    }
    assert truths.labels == ("run", "walk")


def test_a_label_may_be_called_test_among_others(tmp_path: Path) -> None:
    put(tmp_path, "test/a.mp4", "test/b.mp4", "walk/c.mp4", "walk/d.mp4")
    assert read_truths(str(tmp_path)).labels == ("test", "walk")


def test_what_folders_hold_besides_is_counted(tmp_path: Path) -> None:
    put(tmp_path, "run/a.mp4", "run/a.srt", "run/b.mp4", "walk/c.mp4", "loose.mp4", "jump/x.txt")
    write(tmp_path, "metadata.json", {"author": "me"})
    assert read_truths(str(tmp_path)).notes == (
        "Left out 1 folder without a video: 'jump'.",
        "Left out 1 video outside of the labels' folders: 'loose.mp4'.",
        "Left out 2 files that are no videos by their names: 'jump/x.txt', 'run/a.srt'.",
        "Left out 1 file without labels: 'metadata.json'.",
        "1 label has a single video, which says little of how well it is told: 'walk'.",
    )


def test_the_same_file_with_two_labels_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "run/a.mp4", "run/b.mp4", "walk/c.mp4", "walk/d.mp4")
    (tmp_path / "walk" / "link.mp4").symlink_to(tmp_path / "run" / "a.mp4")
    truths = read_truths(str(tmp_path))
    assert [name for name, _ in shown(truths, tmp_path)] == [
        "run/b.mp4",
        "walk/c.mp4",
        "walk/d.mp4",
    ]
    assert truths.notes[0].startswith("Left out 1 video with several labels for all of it: '")


def test_files_with_labels_come_before_folders_of_videos(tmp_path: Path) -> None:
    put(tmp_path, "videos/a.mp4", "videos/b.mp4")
    write(tmp_path, "labels.csv", "videos/a.mp4,run\nvideos/b.mp4,walk\n")
    truths = read_truths(str(tmp_path))
    assert shown(truths, tmp_path) == [("videos/a.mp4", "run"), ("videos/b.mp4", "walk")]


def test_links_to_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    put(tmp_path, "far/day/a.mp4", "far/x.txt", "near/walk/b.mp4", "near/run/c.mp4")
    (tmp_path / "near" / "run" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "near" / "walk" / "loop").symlink_to(tmp_path / "near" / "walk")
    truths = read_truths(str(tmp_path / "near"))
    assert shown(truths, tmp_path / "near") == [
        ("run/c.mp4", "run"),
        ("run/link/day/a.mp4", "run"),
        ("walk/b.mp4", "walk"),
    ]
    assert "1 file that is no video by its name: 'run/link/x.txt'" in truths.notes[0]


def test_files_without_labels_leave_no_trace_on_the_folders(tmp_path: Path) -> None:
    put(tmp_path, "run/a.mp4", "walk/b.mp4", "walk/c.mp4")
    (tmp_path / "run" / "b.mp4").symlink_to(tmp_path / "walk" / "b.mp4")
    write(tmp_path, "meta.json", {})
    write(tmp_path, "train.json", {})
    truths = read_truths(str(tmp_path))
    assert {one.subset for one in truths.videos} == {None}
    assert "('run' run/b.mp4, 'walk' walk/b.mp4)" in truths.notes[0]


def test_a_folder_that_may_not_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "run/a.mp4", "walk/b.mp4", "walk/shut/c.mp4")
    list_folder = os.listdir

    def refuse(path: str) -> list[str]:
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return list_folder(path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(TruthError, match=r"walk/shut can't be read: Permission denied\.$"):
        read_truths(str(tmp_path))
    results = {name: [{"label": name, "segment": [0, 1]}] for name in "abc"}
    write(tmp_path, "x.json", {"results": results})  # where keys are only looked for
    assert read_truths(str(tmp_path / "x.json")).labels == ("a", "b")


def test_folders_beside_those_for_training_and_testing_are_no_labels(tmp_path: Path) -> None:
    put(tmp_path, "train/run/a.mp4", "val/run/b.mp4", "train/walk/c.mp4", "raw/d.mp4")
    truths = read_truths(str(tmp_path))
    assert truths.labels == ("run", "walk")
    assert truths.notes[0] == "Left out 1 folder beside those for training and testing: 'raw'."


# Tables and lists


@pytest.mark.parametrize(
    "text",
    [
        "a.mp4,run,1,2.5\nb.mp4,walk,0:03,1:04.5\n",
        "path,label,start,end\na.mp4,run,1,2.5\nb.mp4,walk,3,64.5\n",
        "end,start,label,path\n2.5,1,run,a.mp4\n64.5,3,walk,b.mp4\n",
        "File\tStart time\tEnd time\tClass\r\na.mp4\t1\t2.5\trun\r\nb.mp4\t3\t64.5\twalk\r\n",
        "video;start;end;label\na.mp4;1;2.5;run\nb.mp4;3;64.5;walk\n",
        '\ufeff"path","label","start","end"\r\n"a.mp4","run","1","2.5"\r\n\r\nb.mp4,walk,3,64.5',
        "path,label,start,end\ra.mp4,run,1,2.5\rb.mp4,walk,3,64.5\r",
        "path,label,start_ms,end_ms\na.mp4,run,1000,2500\nb.mp4,walk,3000,64500\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_tables_in_many_ways(text: str, encoding: str, tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.mp4")
    path = tmp_path / ("labels.tsv" if "\t" in text else "labels.csv")
    path.write_text(text, encoding=encoding, newline="")
    assert shown(read_truths(str(path)), tmp_path) == [
        ("a.mp4", [(1.0, 2.5, "run")]),
        ("b.mp4", [(3.0, 64.5, "walk")]),
    ]


def test_names_may_have_commas_quotes_line_breaks_and_spaces(tmp_path: Path) -> None:
    names = ["a, b.mp4", 'the "best".mp4', "two\nlines.mp4", " 3 .mp4"]
    put(tmp_path, *names)
    quoted = [name.replace('"', '""') for name in names]
    rows = [f'"{name}",{("run", "walk")[k % 2]}' for k, name in enumerate(quoted)]
    truths = read_truths(write(tmp_path, "labels.csv", "\n".join(["path,label", *rows])))
    assert [name for name, _ in shown(truths, tmp_path)] == names
    assert truths.notes == ()


def test_blanks_and_quotes_may_follow_commas(tmp_path: Path) -> None:
    put(tmp_path, "a, b.mp4", "c.mp4")
    text = 'label, path\n"run, fast", "a, b.mp4"\nwalk, "c.mp4"\n'
    truths = read_truths(write(tmp_path, "labels.csv", text))
    assert shown(truths, tmp_path) == [("a, b.mp4", "run, fast"), ("c.mp4", "walk")]


def test_times_are_exact(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    path = write(tmp_path, "labels.csv", "a.mp4,run,0.1,0.3\na.mp4,walk,0.3,0.7\n")
    [video] = read_truths(path).videos
    assert video.segments[0].end_seconds == Fraction(3, 10)


def test_paths_are_looked_for_in_the_given_folder_beside_the_file_and_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "given/a.mp4", "own/a.mp4", "own/b.mp4", "here/b.mp4", "here/c.mp4")
    monkeypatch.chdir(tmp_path / "here")
    far = tmp_path / "here" / "c.mp4"
    rows = f"a.mp4,run\nb.mp4,walk\nc.mp4,run\n{far},run\nd.mp4,walk\n"
    path = write(tmp_path, "own/labels.csv", rows)
    truths = read_truths(path, videos=str(tmp_path / "given"))
    assert [one.path for one in truths.videos] == [
        str(tmp_path / "given" / "a.mp4"),
        str(tmp_path / "own" / "b.mp4"),
        "c.mp4",
    ]
    assert truths.notes[0] == (
        "Left out 1 video that is not there: 'd.mp4' (line 5); say in which folder they are."
    )
    assert truths.notes[1] == "1 entry repeats another and counts once: line 4."


def test_columns_that_say_something_else_are_named(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.mp4")
    table = "person,path,label,split,fold\nann,a.mp4,run,train,1\nbob,b.mp4,walk,dev,2\n"
    truths = read_truths(write(tmp_path, "x.csv", table))
    assert truths.notes[0] == "Left out 2 columns that are not of labels: 'person', 'fold'."
    assert [one.subset for one in truths.videos] == ["training", "validation"]


def test_lists_of_paths_and_numbers(tmp_path: Path) -> None:
    put(tmp_path, "v/a, 1.mp4", "v/b 2.mp4", "c")
    path = write(tmp_path, "train.csv", "v/a, 1.mp4 0\nv/b 2.mp4 1\nc 0\n")
    truths = read_truths(path)
    assert shown(truths, tmp_path) == [("v/a, 1.mp4", "0"), ("v/b 2.mp4", "1"), ("c", "0")]
    assert {one.subset for one in truths.videos} == {"training"}
    note = "2 labels are numbers, and no file beside the list names them: '0', '1'."
    assert note in truths.notes


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("classes.txt", "run\r\nwalk\r\n"),
        ("label_map_k400.txt", "run\nwalk"),
        ("classInd.txt", "0 run\n1 walk\n"),
    ],
)
@pytest.mark.parametrize("separator", [" ", ","])
def test_the_names_of_classes_stand_beside_the_list(
    name: str, names: str, separator: str, tmp_path: Path
) -> None:
    put(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    write(tmp_path, name, names)
    rows = f"a.mp4{separator}0\nb.mp4{separator}1\nc.mp4{separator}7\n"
    truths = read_truths(write(tmp_path, "train.txt", rows))
    assert shown(truths, tmp_path) == [("a.mp4", "run"), ("b.mp4", "walk")]
    what = f"line 3 (label 7 is not in {name}: it has 0 to 1)"
    assert truths.notes[0] == f"Left out 1 entry that can't be read: {what}."


def test_a_folder_of_lists_has_subsets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a.mp4", "b.mp4", "c.mp4", "d.mp4")
    write(tmp_path, "train.csv", "a.mp4,run\nb.mp4,walk\n")
    write(tmp_path, "val.csv", "c.mp4,run\nd.mp4,walk\na.mp4,run\n")
    write(tmp_path, "README.txt", "Our clips.")
    truths = read_truths(".")
    subsets = [one.subset for one in truths.videos]
    assert subsets == ["training", "training", "validation", "validation"]
    assert truths.notes == (
        "1 entry repeats another and counts once: val.csv: line 3.",
        "1 video is in several subsets, of which the first counts: './a.mp4' (val.csv: line 3).",
    )


def test_label_files_in_folders_are_read_where_these_have_no_videos(tmp_path: Path) -> None:
    put(tmp_path, "v/a.mp4", "v/b.mp4", "v/c.mp4")
    write(tmp_path, "out/a.csv", "a.mp4,run\n")
    write(tmp_path, "out/val/day 2/b.csv", "b.mp4,walk\n")
    write(tmp_path, "out/.old/c.csv", "c.mp4,walk\n")
    truths = read_truths(str(tmp_path / "out"), videos=str(tmp_path / "v"))
    assert [one.subset for one in truths.videos] == [None, "validation"]


# JSON


def test_activitynet_with_subsets_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "videos/v_0123456789a.mp4", "videos/b.c.mkv", "d.mp4", "e.mp4")
    run = [{"segment": [1, 2.5], "label": "run"}]
    walk = [{"segment": [0.5, 2], "label": "walk"}, {"segment": [1, 3], "label": "run"}]
    database = {
        "0123456789a": {"subset": "training", "annotations": run},
        "b.c": {"subset": "validation", "annotations": walk},
        "d": {"subset": "testing", "annotations": []},
        "e": {"subset": "training", "annotations": []},
        "gone": {"subset": "training", "annotations": run},
    }
    write(tmp_path, "anet.json", {"version": "1.3", "database": database, "taxonomy": []})
    truths = read_truths("anet.json")
    assert shown(truths, Path()) == [
        ("videos/v_0123456789a.mp4", [(1.0, 2.5, "run")]),
        ("videos/b.c.mkv", [(0.5, 2.0, "walk"), (1.0, 3.0, "run")]),
        ("e.mp4", []),
    ]
    assert truths.notes == (
        "Left out 1 video that is not there: 'gone' (database.gone); say in which folder they are.",
        "Left out 1 video without a usable label: 'd' (database.d, of a test set).",
        "1 segment overlaps an earlier one with another label: "
        "'videos/b.c.mkv' at 0:01 ('walk' and 'run').",
        "1 label has a single video, which says little of how well it is told: 'walk'.",
    )


def test_a_key_of_two_videos_is_not_guessed(tmp_path: Path) -> None:
    put(tmp_path, "x/a.mp4", "y/a.mp4", "b.mp4", "c.mp4")
    found = {key: [{"segment": [0, 1], "label": key}] for key in "abc"}
    truths = read_truths(write(tmp_path, "r.json", {"results": found}))
    assert truths.labels == ("b", "c")
    assert "results.a (2 videos have this name" in truths.notes[0]


def task(video: str, *regions: tuple[int, int, str], **more: object) -> dict[str, object]:
    """Make a task of Label Studio with one annotation."""
    results = [
        {
            "type": "timelinelabels",
            "value": {"ranges": [{"start": a, "end": b}], "timelinelabels": [c]},
        }
        for a, b, c in regions
    ]
    return {"data": {"video": video, "fps": 10}, "annotations": [{"result": results}], **more}


def test_label_studio_counts_frames_from_one(tmp_path: Path) -> None:
    put(tmp_path, "clips/a b.mp4", "c.mp4", "d #1.mp4")
    tasks = [
        task("/data/local-files/?d=clips/a%20b.mp4", (1, 10, "run"), (11, 11, "walk")),
        task("/data/upload/3/0123abcd-c.mp4", (5, 20, "walk")),
        task(f"file://{tmp_path}/d%20%231.mp4", (1, 1, "run")),
    ]
    truths = read_truths(write(tmp_path, "export.json", tasks))
    assert shown(truths, tmp_path) == [
        ("clips/a b.mp4", [(0.0, 1.0, "run"), (1.0, 1.1, "walk")]),
        ("c.mp4", [(0.4, 2.0, "walk")]),
        ("d #1.mp4", [(0.0, 0.1, "run")]),
    ]
    assert truths.notes == ()


def test_annotations_win_and_skipped_tasks_count(tmp_path: Path) -> None:
    put(tmp_path, *(f"{name}.mp4" for name in "abcdefg"))
    old = task("a.mp4", (1, 10, "run"))
    annotation, [new] = old["annotations"], task("", (1, 20, "walk"))["annotations"]
    prediction = {"predictions": [{"result": task("", (1, 30, "run"))["annotations"][0]["result"]}]}
    tasks = [
        task("a.mp4", (1, 10, "walk"), **prediction),
        {"data": {"video": "b.mp4", "fps": "30000/1001"}, "annotations": [], **prediction},
        {**task("c.mp4"), "annotations": [{"was_cancelled": True, "result": []}], **prediction},
        {"data": {"video": "d.mp4"}, "annotations": []},
        {
            "data": {"video": "e.mp4", "fps": 10},
            "annotations": [
                {**new, "updated_at": "2026-02-01T00:00:00Z"},
                {**annotation[0], "updated_at": "2026-01-01T00:00:00Z"},
            ],
        },
        {"data": {"video": "f.mp4"}, "annotations": [{"result": []}]},
        {
            "data": {"video": "g.mp4"},
            "annotations": [
                {
                    "result": [
                        {"type": "choices", "value": {"choices": ["run"]}},
                        {"type": "rectangle", "value": {"x": 1}},
                    ]
                }
            ],
        },
    ]
    truths = read_truths(write(tmp_path, "export.json", tasks))
    assert [(name, said) for name, said in shown(truths, tmp_path)] == [
        ("a.mp4", [(0.0, 1.0, "walk")]),
        ("b.mp4", [(0.0, pytest.approx(1.001), "run")]),
        ("e.mp4", [(0.0, 2.0, "walk")]),
        ("f.mp4", []),
        ("g.mp4", "run"),
    ]
    assert truths.notes == (
        "Left out 1 video without a usable label: task 4.",
        "Left out 1 task that its annotator skipped: task 3.",
        "Left out 1 region of another kind: task 7, region 2.",
        "1 task has no annotation; its prediction counts: task 2.",
        "1 task has several annotations; the last one counts: task 5.",
    )


def test_of_annotations_without_a_time_the_last_counts(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.mp4")
    one, other = task("a.mp4", (1, 10, "run")), task("a.mp4", (1, 20, "walk"))
    one["annotations"] += other["annotations"]  # type: ignore[operator]
    tasks = [one, task("b.mp4", (1, 10, "run"))]
    truths = read_truths(write(tmp_path, "export.json", tasks))
    assert shown(truths, tmp_path)[0] == ("a.mp4", [(0.0, 2.0, "walk")])
    assert truths.notes[0] == "1 task has several annotations; the last one counts: task 1."


def test_a_region_may_tell_its_rate(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    one = task("a.mp4", (1, 50, "run"), (51, 100, "walk"))
    del one["data"]["fps"]  # type: ignore[attr-defined]
    for region in one["annotations"][0]["result"]:  # type: ignore[index]
        region["value"] |= {"framesCount": 100, "duration": 4}
    [video] = read_truths(write(tmp_path, "export.json", [one])).videos
    assert times(video) == [(0.0, 2.0, "run"), (2.0, 4.0, "walk")]


def test_truth_files_beside_their_videos() -> None:
    truths = read_truths(str(SAMPLES))
    assert len(truths.videos) == 6
    assert len(truths.labels) == 22
    one = next(video for video in truths.videos if video.path.endswith("gym_session.mp4"))
    assert times(one)[1] == (6.0, 12.2, "squat")
    assert len(truths.notes) == 1


# ELAN and Audacity


def eaf(tiers: dict[str, list[tuple[int, int, str]]], video: str = "a.mp4") -> str:
    """Write a file as a person's ELAN does."""
    slots, body = [], []
    for name, annotations in tiers.items():
        body.append(f'<TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="default-lt">')
        for start, end, value in annotations:
            n = len(slots)
            slots += [
                f'<TIME_SLOT TIME_SLOT_ID="ts{n}" TIME_VALUE="{start}"/>',
                f'<TIME_SLOT TIME_SLOT_ID="ts{n + 1}" TIME_VALUE="{end}"/>',
            ]
            body.append(
                f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n}" TIME_SLOT_REF1="ts{n}"'
                f' TIME_SLOT_REF2="ts{n + 1}"><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>'
                "</ALIGNABLE_ANNOTATION></ANNOTATION>"
            )
        body.append("</TIER>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT AUTHOR="me">'
        '<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">'
        '<MEDIA_DESCRIPTOR MEDIA_URL="file:///gone/a.wav" MIME_TYPE="audio/x-wav"/>'
        f'<MEDIA_DESCRIPTOR MEDIA_URL="file:///gone/{video}" MIME_TYPE="video/mp4"'
        f' RELATIVE_MEDIA_URL="../{video}"/></HEADER>'
        f"<TIME_ORDER>{''.join(slots)}</TIME_ORDER>{''.join(body)}</ANNOTATION_DOCUMENT>"
    )


@pytest.mark.parametrize(
    ("tiers", "wanted"),
    [
        ({"run": [(0, 1000, "0.873")], "walk": [(500, 2000, "")]}, ["run", "walk"]),
        ({"actions": [(0, 1000, "run"), (500, 2000, "walk")]}, ["run", "walk"]),
        ({"run": [(0, 1000, "0.873")], "walk": [(500, 2000, "jump")]}, ["run", "jump"]),
        ({"run": [(0, 1000, "0.873"), (500, 2000, "jump")]}, ["run", "jump"]),
        ({"actions": [(0, 1000, "1"), (500, 2000, "2")]}, ["1", "2"]),
    ],
)
def test_elan_has_a_tier_per_label_or_labels_as_values(
    tiers: dict[str, list[tuple[int, int, str]]], wanted: list[str], tmp_path: Path
) -> None:
    put(tmp_path, "a.mp4")
    [video] = read_truths(write(tmp_path, "sub/a.eaf", eaf(tiers))).videos
    assert times(video) == [(0.0, 1.0, wanted[0]), (0.5, 2.0, wanted[1])]


def test_a_folder_of_elan_files(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.mp4")
    write(tmp_path, "eafs/a.eaf", eaf({"x": [(0, 10, "run"), (20, 20, "walk"), (30, 40, "")]}))
    write(tmp_path, "eafs/b.eaf", eaf({"x": [(0, 10, "walk")]}, "b.mp4"))
    truths = read_truths(str(tmp_path / "eafs"))
    assert [one.path.rpartition("/")[2] for one in truths.videos] == ["a.mp4", "b.mp4"]
    assert truths.notes[:2] == (
        "Left out 1 entry that can't be read: a.eaf: a4 in tier 'x' of a.eaf (its label is empty).",
        "Left out 1 range that is empty, backwards or before 0:00:"
        " a.eaf: a2 in tier 'x' of a.eaf (0:00.02 to 0:00.02).",
    )


def test_audacity_beside_a_video(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    track = "0.000000\t1.500000\trun\n\\\t100\t200\n1.500000\t1.500000\twalk\n2\t3\twalk\n"
    truths = read_truths(write(tmp_path, "a.txt", track))
    assert shown(truths, tmp_path) == [("a.mp4", [(0.0, 1.5, "run"), (2.0, 3.0, "walk")])]
    assert "line 3 (0:01.5 to 0:01.5)" in truths.notes[0]


# All of them


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(TruthError, match=r"There is no file or folder 'gone'; check") as caught:
        read_truths("gone")
    assert (caught.value.path, caught.value.code) == ("gone", "bad_truth")


def test_a_folder_for_videos_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="There is no folder 'gone' to look for videos in"):
        read_truths(str(tmp_path), videos="gone")


def test_sentences_name_three_and_count_the_rest(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.mp4")
    rows = ["a.mp4,run", "b.mp4,walk", *(f"gone{k % 5}.mp4,run" for k in range(9))]
    truths = read_truths(write(tmp_path, "x.csv", "\n".join(rows)))
    assert truths.notes[0] == (
        "Left out 5 videos that are not there: 'gone0.mp4' (line 3), 'gone1.mp4' (line 4),"
        " 'gone2.mp4' (line 5) and 2 more; say in which folder they are."
    )


def test_labels_for_all_and_segments_of_a_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a.mp4", "b.mp4")
    table = "path,label,start,end\na.mp4,run,,\na.mp4,walk,1,2\nb.mp4,run,,\nb.mp4,Run,,\n"
    truths = read_truths(os.path.relpath(write(tmp_path, "x.csv", table)))
    assert truths.labels == ("walk",)  # is told from the rest of a.mp4
    assert truths.notes[0] == (
        "Left out 1 video with several labels for all of it: 'b.mp4' ('run' line 4, 'Run' line 5)."
    )
    truths = read_truths(os.path.relpath(write(tmp_path, "x.csv", table.replace("Run", "run"))))
    assert shown(truths, Path()) == [("a.mp4", [(1.0, 2.0, "walk")]), ("b.mp4", "run")]
    assert truths.notes[0] == (
        "Left out 1 label for all of a video that has segments, too: 'a.mp4' (line 2)."
    )


def test_elan_names_what_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a.mp4", "b.mp4")
    text = eaf({"x": [(0, 1000, "<![CDATA[<!DOCTYPE]]> r<i>u</i>n")]})
    text = text.replace(
        "</HEADER>", '<MEDIA_DESCRIPTOR MEDIA_URL="b.mp4" MIME_TYPE="video/mp4"/></HEADER>'
    )
    text = text.replace("</TIER>", '<ANNOTATION/><REF_ANNOTATION ANNOTATION_ID="r"/></TIER>')
    truths = read_truths(write(tmp_path, "a.eaf", text))
    assert [times(one) for one in truths.videos] == [[(0.0, 1.0, "<!DOCTYPE run")]]
    assert truths.notes[:2] == (
        "Left out 2 entries that can't be read: annotation 2 in tier 'x' of a.eaf (it is no"
        " ANNOTATION with one of its kinds in it), r in tier 'x' of a.eaf (it is no ANNOTATION with"
        " one of its kinds in it).",
        "Left out 1 further video that an annotation file names beside its first: 'b.mp4' (a.eaf).",
    )


def test_urls_are_not_looked_at(tmp_path: Path) -> None:
    table = "https://example.org/a.mp4,run\nhttps://example.org/b.mp4,walk\n"
    truths = read_truths(write(tmp_path, "x.csv", table))
    assert truths.videos[0].path == "https://example.org/a.mp4"


def test_elan_in_all_its_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a.mp4")
    text = eaf({"x": [(0, 1000, "run"), (2000, 3000, "walk"), (4000, 5000, "walk")]})
    text = text.replace('TIME_SLOT_ID="ts5" TIME_VALUE="5000"', 'TIME_SLOT_ID="ts5"')
    text = text.replace('MIME_TYPE="video/mp4"', 'MIME_TYPE="video/mp4" TIME_ORIGIN="500"')
    child = (
        '<TIER TIER_ID="words" PARENT_REF="x"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="r1"'
        ' ANNOTATION_REF="a0"><ANNOTATION_VALUE>fast</ANNOTATION_VALUE></REF_ANNOTATION>'
        "</ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
    )
    write(tmp_path, "sub/a.eaf", text.replace("</ANNOTATION_DOCUMENT>", child))
    truths = read_truths("sub/a.eaf")
    assert times(truths.videos[0]) == [(0.5, 1.5, "run"), (2.5, 3.5, "walk")]
    assert truths.notes[:3] == (
        "Left out 1 entry that can't be read: a4 in tier 'x' of a.eaf"
        " (its start or end has no time).",
        "Left out 1 annotation without a time of its own: r1 in tier 'words' of a.eaf.",
        "1 video starts at an offset, which was added: 'sub/../a.mp4' (500 ms).",
    )


def test_an_elan_file_that_links_no_video_has_its_name(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    text = eaf({"x": [(0, 1000, "run"), (2000, 3000, "walk")]})
    start, end = text.index("<MEDIA_DESCRIPTOR"), text.index("</HEADER>")
    [video] = read_truths(write(tmp_path, "a.eaf", text[:start] + text[end:])).videos
    assert Path(video.path).name == "a.mp4"


def test_the_only_file_of_a_folder_is_named(tmp_path: Path) -> None:
    put(tmp_path, "run/a.mp4", "walk/b.mp4")
    write(tmp_path, "meta.csv", "1,2\n3,4\n")
    with pytest.raises(TruthError, match=r"there: '1' \(meta\.csv: line 1\), '3' \(meta\.csv: "):
        read_truths(str(tmp_path))


# vidtag's own results


def test_documents_failures_and_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a.mp4", "b.mp4", "c.mp4", "d.mp4")
    results = [
        make_document("a.mp4"),
        make_failed("b.mp4"),
        make_empty("c.mp4"),
        make_document("d.mp4", start=60.0, rest=12.0),
        make_document("gone.mp4"),
    ]
    write(tmp_path, "all.jsonl", get_format("json").write(results))
    truths = read_truths("all.jsonl")
    assert [(one.path, len(one.segments)) for one in truths.videos] == [
        ("a.mp4", len(results[0].segments)),
        ("c.mp4", 0),
        ("d.mp4", len(results[0].segments)),
    ]
    assert truths.notes == (
        "Left out 1 video that is not there: 'gone.mp4' (result 5); say in which folder they are.",
        "Left out 1 result of an input that failed: 'b.mp4' (result 2).",
        "2 segments overlap earlier ones with other labels: 'a.mp4' at 0:02 ('juggling balls' and"
        " 'riding a bike'), 'd.mp4' at 1:02 ('juggling balls' and 'riding a bike').",
        "1 result is of a part of its video; the rest counts as none of the labels: 'd.mp4'.",
    )


@pytest.mark.parametrize("layout", ["indented", "list", "a mark in front", "steps"])
def test_documents_in_every_form(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a.mp4", "b.mp4")
    documents = [make_document("a.mp4"), make_document("b.mp4")]
    text = {
        "indented": documents[0].to_json(indent=2),
        "list": f"[{documents[0].to_json()},\n{documents[1].to_json()}]",
        "a mark in front": "\ufeff" + get_format("json").write(documents),
        "steps": get_format("steps").write(documents),
    }[layout]
    write(tmp_path, "x.json", text)
    truths = read_truths("x.json")
    assert len(truths.videos) == (1 if layout == "indented" else 2)
    assert all(len(one.segments) == len(documents[0].segments) for one in truths.videos)


def test_two_classes_of_one_name_are_one_label(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    rows = [((k, 0.9),) for k in range(3)]
    document = make_document("a.mp4", rows=rows, labels=["walk", "walk", "run"])
    path = write(tmp_path, "a.eaf", get_format("eaf").write([document]))
    assert read_truths(path).labels == ("run", "walk")


def test_what_was_put_together_on_windows_is_found_here(tmp_path: Path) -> None:
    put(tmp_path, "clips/a.mp4", "clips/b.mp4")
    path = write(tmp_path, "x.csv", "clips\\a.mp4,run\r\nclips\\b.mp4,walk\r\n")
    assert [one.label for one in read_truths(path).videos] == ["run", "walk"]


def test_truth_files_may_have_the_whole_name_and_lie_apart(tmp_path: Path) -> None:
    put(tmp_path, "v/a.mp4", "v/a.webm", "v/b.mp4", "v/b.webm")
    one = {"start_seconds": 0, "end_seconds": 1}
    write(tmp_path, "t/a.mp4.json", {"segments": [{**one, "label": "run"}]})
    write(tmp_path, "t/a.webm.json", {"segments": [{**one, "label": "walk"}]})
    write(tmp_path, "t/b.json", {"segments": [{**one, "label": "walk"}]})
    truths = read_truths(str(tmp_path / "t"), videos=str(tmp_path / "v"))
    assert [Path(one.path).name for one in truths.videos] == ["a.mp4", "a.webm"]
    assert "b.json: b.json (2 videos have this name: b.mp4, b.webm)" in truths.notes[0]
