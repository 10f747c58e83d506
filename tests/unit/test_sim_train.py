"""What ``sim_train.launch.py`` makes of its arguments, without a launch: which learner teaches which policy."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext

from vlmrl_ros.bridge.arguments import Arguments, declare
from vlmrl_ros.core import registry
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.core.types import Transition

FILE = Path(get_package_share_directory("vlmrl_ros")) / "launch" / "sim_train.launch.py"


@pytest.fixture(scope="module")
def sim_train() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sim_train", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settled(sim_train: ModuleType, **given: str) -> tuple[str, str, int]:
    """Policy, learner and number of demonstrations."""
    context = LaunchContext()
    context.launch_configurations.update(given)
    for action in declare(sim_train.ARGUMENTS):
        action.visit(context)
    a = Arguments(context)
    return sim_train._with_its_learner(a), a.text("learner"), a.shown()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("gaussian", "rlif", 15)),
        ({"learner": "bc", "demonstrations": "3"}, ("gaussian", "bc", 3)),
        ({"policy": "still"}, ("still", "rlif", 15)),
        ({"policy": "vlm"}, ("vlm", "vlm_ppo", 0)),
        ({"policy": "vlm", "learner": "vlm_sft", "demonstrations": "2"}, ("vlm", "vlm_sft", 2)),
    ],
)
def test_a_policy_has_the_learner_that_can_teach_it_unless_the_user_names_one(sim_train, given, expected):
    assert settled(sim_train, **given) == expected


def test_a_policy_and_a_learner_that_do_not_go_together_are_refused(sim_train):
    with pytest.raises(
        ValueError, match=r"learner:=rlif does not go with policy:=vlm; valid: vlm_ppo, vlm_gigpo, vlm_sft, vlm_kto$"
    ):
        settled(sim_train, policy="vlm", learner="rlif")
    with pytest.raises(ValueError, match=r"learner:=vlm_ppo learns from what a policy says; take policy:=vlm, not gau"):
        settled(sim_train, learner="vlm_ppo")


def test_those_that_are_known_as_learners_of_turns_are(sim_train):
    takes = {name: registry.load("learners", name).experience for name in registry.names("learners")}
    assert {name for name, kind in takes.items() if kind is Turn} == set(sim_train.OF_TURNS)
    assert takes["rlif"] is Transition
