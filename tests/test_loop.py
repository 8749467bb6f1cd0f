"""The loop: tag, correct in an annotator, train, evaluate, explain a mistake."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "sample_videos"))

from figures.clips import write_clips  # noqa: E402 - the scripts are no installed package

LABELS = ("squat", "push up", "jogging", "clapping", "side kick")
"""What the other videos show."""


def correct(task: Path) -> None:
    """Do what an annotator does: accept what was said, and mend it by what is true."""
    [one] = json.loads(task.read_text())
    name = one["data"]["video"].rpartition("/")[2]
    truth = json.loads((ROOT / "sample_videos" / name).with_suffix(".json").read_text())
    rate = one["data"]["fps"]
    [prediction] = one.pop("predictions")
    result = prediction["result"]
    for region in result:
        [span] = region["value"]["ranges"]
        middle = (span["start"] + span["end"]) / 2 / rate
        true = next(s for s in truth["segments"] if s["start_seconds"] <= middle < s["end_seconds"])
        region["value"]["timelinelabels"] = [true["label"]]
        span["start"] = round(true["start_seconds"] * rate) + 1
        span["end"] = round(true["end_seconds"] * rate)
    one["annotations"] = [{"result": result}]
    task.write_text(json.dumps([one]))


@pytest.mark.slow
def test_tag_correct_train_evaluate_and_explain(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    samples = str(ROOT / "sample_videos")
    assert run(samples, "-m", "demo", "-f", "labelstudio", "-o", "tasks/", "-q")[0] == 0
    for task in Path("tasks").glob("*.labelstudio.json"):
        correct(task)
    code, out, err = run("train", "tasks", "--videos", samples, "--from", "demo", "-o", "model",
                         "--json")  # fmt: skip
    assert code == 0, err
    learned = {row["label"]: row["windows"] for row in json.loads(out)["labels"]}
    assert set(LABELS) <= set(learned)
    write_clips(tmp_path / "clips", "loop", LABELS, 3)
    code, out, err = run("eval", "clips", "-m", "model", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["top1"]["value"] >= 0.6
    mistakes = found["mistakes"]
    assert mistakes, "a model that learned from one video of each is not always right"
    worst = mistakes[0]
    code, out, err = run("explain", worst["path"], "-m", "model", "--label", worst["said"],
                         "-o", "why.png")  # fmt: skip
    assert code == 0, err
    assert Path("why.png").stat().st_size > 1000
