from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from vlmrl_ros.bridge.arms import arm_names, load_arm
from vlmrl_ros.bridge.security.documents import dds_topics
from vlmrl_ros.bridge.security.grants import GRANTS, Grant, for_arms, grant_of
from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.nodes.keystore import enclaves


def may_publish(topic: str) -> set[str]:
    return {node for node in GRANTS if f"rt/{topic}" in dds_topics(f"/{node}", grant_of(node))["publish"]}


@pytest.mark.parametrize(
    ("topic", "nodes"),
    [
        ("command", {"teleop"}),
        ("weights", {"learner", "text_learner"}),
        ("policy/action", {"policy_server"}),
        ("executed", {"sim_bridge", "arm_bridge"}),
        ("joy", {"scripted_operator", "joystick", "spacemouse"}),
    ],
)
def test_only_one_kind_of_node_may_say(topic, nodes):
    assert may_publish(topic) == nodes


@pytest.mark.parametrize("name", arm_names())
def test_the_bridge_of_an_arm_may_use_the_topics_of_its_description_and_no_other_arm(name):
    arm, _ = load_arm(name)
    grant = grant_of("arm_bridge", arm)
    assert {arm.joints.topic, "joy"} <= set(grant.subscribe)  # a parameter may demand the joystick's dead-man
    told = set(grant.publish) - set(grant_of("arm_bridge").publish)
    assert {topic for topic in told if topic != "guide"}
    assert "command" not in grant.publish


def test_an_unknown_node_is_refused_with_those_that_exist():
    with pytest.raises(UnknownNameError, match=r"unknown node 'thief'; valid: arm_bridge, "):
        grant_of("thief")


def test_in_a_fleet_the_learner_knows_every_arm_and_an_arm_only_itself():
    made = enclaves("lab", [], 2)
    learner = dds_topics("/lab/learner", made["/lab/learner"])
    assert {"rt/lab/arm_0/feedback", "rt/lab/arm_1/feedback"} <= learner["subscribe"]
    server = dds_topics("/lab/arm_0/policy_server", made["/lab/arm_0/policy_server"])
    assert "rt/lab/weights" in server["subscribe"]
    thinking = dds_topics("/lab/policy_server", made["/lab/policy_server"])
    assert {f"rt/lab/arm_{arm}/policy/action" for arm in (0, 1)} <= thinking["publish"]
    assert "rt/lab/arm_0/feedback" in server["subscribe"]
    assert not {topic for way in server.values() for topic in way if "arm_1" in topic}
    assert "/lab/arm_0/learner" not in made


def test_a_watcher_hears_everything_and_commands_nothing():
    watch = dds_topics("/watch", enclaves("", [], 1)["/watch"])
    assert "rt/*" in watch["subscribe"]
    assert watch["publish"] == {"ros_discovery_info", "rt/rosout", "rt/parameter_events"}


def test_a_person_may_stop_every_arm_and_command_none():
    operate = dds_topics("/lab/operate", enclaves("lab", [], 2)["/lab/operate"])
    for service in ("rq/lab/estopRequest", "rq/lab/arm_1/estopRequest", "rq/lab/arm_0/resetRequest"):
        assert any(fnmatchcase(service, pattern) for pattern in operate["publish"])
    for topic in ("rt/lab/arm_0/command", "rt/lab/weights", "rq/lab/learner/change_stateRequest"):
        assert not any(fnmatchcase(topic, pattern) for pattern in operate["publish"])


def test_absolute_and_own_names_are_not_repeated_for_each_arm():
    grant = for_arms(Grant(publish=("weights", "/diagnostics", "~/transition_event")), ["arm_0"])
    assert set(grant.publish) == {"weights", "/diagnostics", "~/transition_event", "arm_0/weights"}


@pytest.mark.parametrize(("arms", "count"), [(["fr3", "ur5e"], 3), ([], 17)])
def test_a_fleet_that_does_not_fit_its_arms_is_refused(arms, count):
    with pytest.raises(ValueError, match="valid: "):
        enclaves("", arms, count)
