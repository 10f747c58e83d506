from __future__ import annotations

import json
from pathlib import Path

import pytest

from vlmrl_ros.core.candidates import CHECKPOINT, SKILL, Candidate
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.selection_file import candidates_of, read_selection


def written(folder: Path, **shares: float) -> Path:
    """A decision between a checkpoint, a skill and a checkpoint that is not there."""
    (folder / "step_1").mkdir(exist_ok=True)
    texts = {"one": str(folder / "step_1"), "skill": "skill:wait", "gone": str(folder / "step_9")}
    rows = [{"name": name, "candidate": texts[name], "probability": share} for name, share in shares.items()]
    path = folder / "selection.json"
    path.write_text(json.dumps({"candidates": rows, "policy": "", "certificate": 0.1}))
    return path


def test_what_may_be_drawn_is_read_and_what_may_not_need_not_be_there(tmp_path):
    path = written(tmp_path, one=0.25, gone=0.0, skill=0.75)
    selected = read_selection(path)
    assert selected.candidates == {
        "one": Candidate(CHECKPOINT, str(tmp_path / "step_1")),
        "skill": Candidate(SKILL, "wait"),
    }
    assert selected.mixture.names == ("one", "skill")
    assert selected.mixture.probabilities == (0.25, 0.75)
    assert selected.plain["certificate"] == 0.1
    assert candidates_of([str(path)]) == selected.candidates


def test_one_candidate_alone_can_be_deployed(tmp_path):
    assert read_selection(written(tmp_path, one=0.0, skill=1.0)).mixture.names == ("skill",)


def test_a_checkpoint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"draws 'gone', whose checkpoint .*step_9 is not there"):
        read_selection(written(tmp_path, one=0.5, gone=0.5))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "is damaged: not a selection.json"),
        ('{"candidates": [', "is damaged: not a selection.json"),
        ('{"policy": ""}', "is damaged: not a selection.json: .*candidates"),
        ('{"candidates": [{"name": "a", "probability": 1.0}], "policy": ""}', "is damaged: .*'candidate'"),
        ('{"candidates": [], "policy": ""}', "is damaged: a mixture of 0 names"),
        (
            '{"candidates": [{"name": "a", "candidate": "skill:wait", "probability": 0.4}], "policy": ""}',
            "is damaged: probabilities of a mixture sum to 0.4",
        ),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, text, line):
    path = tmp_path / "selection.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=line):
        read_selection(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"selection '.*nowhere.json' cannot be read"):
        read_selection(tmp_path / "nowhere.json")
