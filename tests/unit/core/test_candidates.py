from __future__ import annotations

from pathlib import Path

import pytest

from vlmrl_ros.core.candidates import CHECKPOINT, INSTRUCTION, SKILL, Candidate, find_candidates, first_readable
from vlmrl_ros.core.checkpoint import CHECKPOINT_FILE, write_checkpoint
from vlmrl_ros.core.errors import CheckpointError, ConfigError


def checkpoint(run: Path, step: int, **about: str) -> Path:
    return write_checkpoint(run / "checkpoints", step, {"policy.safetensors": lambda: [b"w"]}, about, None).path


def of(path: Path) -> Candidate:
    return Candidate(CHECKPOINT, str(path))


def test_folders_runs_and_checkpoints_are_named_by_step_from_old_to_new(tmp_path):
    run = tmp_path / "run"
    made = [checkpoint(run, step) for step in (1000, 200)]
    expected = {"step_200": of(made[1]), "step_1000": of(made[0])}
    assert find_candidates([str(run)]) == expected == find_candidates([str(run / "checkpoints")])
    assert list(find_candidates([str(run)])) == ["step_200", "step_1000"]
    assert find_candidates(map(str, made)) == expected


def test_equal_steps_of_several_runs_are_told_apart_and_one_named_twice_is_one(tmp_path):
    one, other = (checkpoint(tmp_path / name, 5) for name in ("one", "other"))
    checkpoint(tmp_path / "one", 7)
    found = find_candidates([str(tmp_path / "one"), str(other), str(one)])
    assert list(found) == ["one/step_5", "step_7", "other/step_5"]
    assert found["other/step_5"] == of(other)


def test_one_that_lost_its_description_is_still_a_candidate(tmp_path):
    broken, whole = (checkpoint(tmp_path, step) for step in (1, 2))
    (broken / CHECKPOINT_FILE).unlink()
    assert list(find_candidates([str(broken), str(whole)])) == ["step_1", "step_2"]
    assert first_readable(find_candidates([str(tmp_path)]))["step"] == 2
    (whole / CHECKPOINT_FILE).unlink()
    with pytest.raises(CheckpointError, match=r"no candidate can be loaded: .*step_1.*step_2"):
        first_readable(find_candidates([str(tmp_path)]))


def test_instructions_and_skills_are_candidates_beside_checkpoints_and_are_called_what_they_say(tmp_path):
    step = checkpoint(tmp_path, 5)
    texts = [str(step), "instruction:put it left,  please", "skill:pick mid left then wait"]
    found = find_candidates(texts)
    assert found == {
        "step_5": of(step),
        "put it left, please": Candidate(INSTRUCTION, "put it left, please"),
        "pick mid left then wait": Candidate(SKILL, "pick mid left then wait"),
    }
    assert find_candidates([one.text for one in found.values()]) == found
    assert first_readable(found)["step"] == 5
    assert first_readable({"wait": Candidate(SKILL, "wait")}) == {}


@pytest.mark.parametrize("sentence", [" ", "on and on " * 20])
def test_a_sentence_that_is_no_name_is_refused(sentence):
    with pytest.raises(ConfigError, match=r"candidate 'instruction:.*' has \d+ characters; valid: 1 to 128"):
        find_candidates([f"instruction:{sentence}", "skill:wait"])


def test_a_checkpoint_of_a_text_task_is_refused_by_name(tmp_path):
    checkpoint(tmp_path, 1, policy="gaussian")
    of_text = checkpoint(tmp_path, 2, policy="language")
    what = f"candidate '{of_text}' has the policy 'language', which plays text tasks"
    line = f"{what} .*; valid: gaussian, script, still, vlm"
    with pytest.raises(ConfigError, match=line):
        find_candidates([str(tmp_path)])


def test_what_is_no_choice_is_refused(tmp_path):
    only = checkpoint(tmp_path, 3)
    with pytest.raises(ConfigError, match=r"^only one candidate, 'step_3', to choose from; give 2 or more by cand"):
        find_candidates([str(only)])
    with pytest.raises(ConfigError, match=r"^no candidates to choose from; give 2 or more by candidates:="):
        find_candidates([])
    with pytest.raises(ConfigError, match="'nowhere', which is no directory"):
        find_candidates(["nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="empty', where there is no checkpoint"):
        find_candidates([str(tmp_path / "empty")])
