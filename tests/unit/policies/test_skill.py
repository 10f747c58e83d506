from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.errors import CheckpointError, ConfigError, UnknownNameError
from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.vocabulary import moves
from vlmrl_ros.policies.skill import SkillPolicy, vocabulary
from vlmrl_ros.sim.load import build

HIGH = np.array([0.1, 1.0], np.float32)
STATE = VectorSpec(("x",), ("m",), np.array([-1.0]), np.array([1.0]))
SPEC = TaskSpec("toy", STATE, VectorSpec(("linear_x", "gripper"), ("m/s", "1"), -HIGH, HIGH), (), 0.1, 50)
SEEN, RNG = {"state": np.zeros(1, np.float32)}, np.random.default_rng(0)


def test_its_words_follow_one_another_and_then_it_stands_still():
    policy, words = SkillPolicy(SPEC, "move forward then open gripper"), moves(SPEC)
    said = [policy.act(SEEN, RNG)[0] for _ in range(60)]
    expected = [words["move forward"].action] * words["move forward"].steps
    expected += [words["open gripper"].action] * words["open gripper"].steps
    np.testing.assert_array_equal(said[: len(expected)], expected)
    assert not np.any(said[len(expected) :])
    policy.reset()
    np.testing.assert_array_equal(policy.act(SEEN, RNG)[0], expected[0])


def test_tabletop_has_skills_and_moves():
    task = build("tabletop", {"observation": "state"})
    assert {"pick mid left", "place far right", "move left", "wait"} <= set(vocabulary(task.spec))
    task.close()


def test_what_the_task_has_no_words_for_is_refused():
    with pytest.raises(UnknownNameError, match="unknown skill 'pick it'; valid: close gripper, move back"):
        SkillPolicy(SPEC, "move forward then pick it")
    wordless = TaskSpec("toy", STATE, VectorSpec(("torque",), ("N m",), -HIGH[:1], HIGH[:1]), (), 0.1, 50)
    with pytest.raises(ConfigError, match="words exist for"):
        SkillPolicy(wordless, "wait")
    with pytest.raises(CheckpointError, match="a skill has no weights; got w"):
        SkillPolicy(SPEC, "wait").load({"w": HIGH})
