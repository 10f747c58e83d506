"""Arms that are to learn as one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vlmrl_ros.bridge.arms import arms_directory, load_fleet
from vlmrl_ros.core.errors import ConfigError, UnknownNameError


def variant(folder: Path, name: str, **sections: object) -> str:
    """The simulated arm with other values; returns the path of its description."""
    content = yaml.safe_load((arms_directory() / "sim_arm.yaml").read_text(encoding="utf-8"))
    for key, value in sections.items():
        content[key] = {**content[key], **value} if isinstance(value, dict) else value
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_arms_that_differ_in_limits_and_topics_learn_as_one(tmp_path):
    slow = variant(tmp_path, "slow", limits={"acceleration": [1.0]}, joints={"topic": "/left/joint_states"})
    fleet = load_fleet(["sim_arm", slow, slow])
    assert [arm.name for arm in fleet] == ["sim_arm", slow, slow]
    assert fleet[1].limits.acceleration == (1.0,)


@pytest.mark.parametrize(
    ("sections", "part"),
    [({"task": "other"}, "task"), ({"rate_hz": 20.0}, "control_dt_s"), ({"action": {"linear": 0.05}}, "action")],
)
def test_arms_of_different_tasks_are_refused(tmp_path, sections, part):
    other = variant(tmp_path, "other", **sections)
    with pytest.raises(ConfigError, match=f"arm '{other}' cannot learn with 'sim_arm': .*{part}.* of its task differ"):
        load_fleet(["sim_arm", other])


def test_two_arms_are_not_moved_by_one_topic(tmp_path):
    there = {"topic": "/servo_node/delta_twist_cmds"}
    left, right = (variant(tmp_path, name, output=there) for name in ("left", "right"))
    assert len(load_fleet([left, "sim_arm"])) == 2
    with pytest.raises(
        ConfigError, match=r"arms 0 and 2 .* by the one topic /servo_node/delta_twist_cmds; valid: a topic"
    ):
        load_fleet([left, "sim_arm", right])


def test_an_arm_of_a_fleet_that_does_not_exist_is_named():
    with pytest.raises(UnknownNameError, match="unknown arm 'wishful'"):
        load_fleet(["sim_arm", "wishful"])
