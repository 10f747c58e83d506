"""The descriptions of arms that come with the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from vlmrl_ros.bridge.outputs.trajectory import TrajectoryConfig
from vlmrl_ros.bridge.outputs.twist import TwistConfig
from vlmrl_ros.core.arm import ArmDescription, parse_arm
from vlmrl_ros.core.arm_features import task_spec
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.sim.load import build

FOLDER = Path(__file__).resolve().parents[2] / "launch" / "config" / "arms"
NAMES = ("fr3", "sim_arm", "so101", "ur5e")
OUTPUTS = {"twist": TwistConfig, "trajectory": TrajectoryConfig}


def described(name: str) -> ArmDescription:
    return parse_arm(name, yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


def test_the_examples_are_those_that_the_launch_file_names():
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_rests_within_its_own_limits(name):
    arm = described(name)
    joints, home, limits = arm.joints, arm.home, arm.limits
    assert len(joints.names) == len(joints.position_low) == len(joints.position_high) == len(joints.velocity)
    assert all(a < x < b for a, x, b in zip(joints.position_low, home.joints, joints.position_high, strict=True))
    assert all(a < x < b for a, x, b in zip(limits.workspace_low, home.position, limits.workspace_high, strict=True))
    assert limits.workspace_low[2] < arm.reset.lift_z_m < limits.workspace_high[2]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_slow_and_its_leash_is_short(name):
    """Ten centimetres a second at most; the leash bounds the force with which a blocked arm pushes."""
    arm = described(name)
    assert 0.0 < arm.action.leash_m <= 0.03
    assert arm.action.linear <= 0.1


@pytest.mark.parametrize("name", NAMES)
def test_the_output_of_an_example_takes_the_options_that_it_is_given(name):
    arm = described(name)
    from_mapping(OUTPUTS[arm.output.plugin], arm.output_options, "output")


def test_the_simulated_arm_is_observed_as_the_simulated_task_is():
    """So that a policy, and an evaluation, may go from one to the other."""
    arm, task = described("sim_arm"), build("peg_insert", {})
    assert task_spec(arm).to_json() == replace(task.spec, context=None).to_json()  # nobody sets an arm's context
    assert arm.general.post_success_steps == task.options["post_success_steps"]
