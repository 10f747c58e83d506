"""What each node may say and hear, and no more: the source of the security policies.

Names are relative to the node's namespace unless they begin with ``/``; ``*`` stands for any characters, as in the
permissions of DDS. A test compares the grants with what the running nodes really open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from vlmrl_ros.bridge.outputs.forward import ForwardConfig
from vlmrl_ros.bridge.outputs.trajectory import TrajectoryConfig
from vlmrl_ros.bridge.outputs.twist import TwistConfig
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import ConfigError, UnknownNameError

Names = tuple[str, ...]

OBSERVATION: Names = ("observation/state", "observation/*/image_raw", "observation/text")
PARAMETER_SERVICES: Names = (
    "describe_parameters",
    "get_parameter_types",
    "get_parameters",
    "get_type_description",
    "list_parameters",
    "set_parameters",
    "set_parameters_atomically",
)
LIFECYCLE_SERVICES: Names = (
    "change_state",
    "get_available_states",
    "get_available_transitions",
    "get_state",
    "get_transition_graph",
)
ARRIVAL: Names = (*OBSERVATION, "feedback", "executed", "scene", "spec", "estop/state")
"""What every bridge says."""


@dataclass(frozen=True)
class Grant:
    """Names of topics and services.

    Attributes:
        publish: topics that the node may publish.
        subscribe: topics that it may hear.
        reply: services that it may offer.
        request: services that it may call.
    """

    publish: Names = ()
    subscribe: Names = ()
    reply: Names = ()
    request: Names = ()

    def __add__(self, other: Grant) -> Grant:
        """Both; each name once, sorted."""
        return Grant(
            *(
                tuple(sorted({*getattr(self, kind), *getattr(other, kind)}))
                for kind in ("publish", "subscribe", "reply", "request")
            )
        )


GRANTS: Mapping[str, Grant] = {
    "sim_bridge": Grant(
        publish=(*ARRIVAL, "film/image_raw", "instruction", "joint_states", "/clock", "clock"),
        subscribe=("command", "learner/status", "recorder/status", "curriculum/plan"),
        reply=("estop", "reset"),
    ),
    "arm_bridge": Grant(
        publish=ARRIVAL,
        subscribe=("command", "learner/status", "joy"),
        reply=("estop", "reset"),
    ),
    "sim_arm": Grant(
        publish=("joint_states", "ee_pose", "wrench", "workpiece/pose", "workpiece/estimate", "*/image_raw*"),
        subscribe=(
            "servo_node/delta_twist_cmds",
            "forward_position_controller/commands",
            "forward_velocity_controller/commands",
            "gripper_controller/commands",
            "joint_trajectory_controller/joint_trajectory",
        ),
        reply=("shuffle",),
    ),
    "policy_server": Grant(
        publish=("policy/action", "policy/status", "policy/thought"),
        subscribe=(*OBSERVATION, "feedback", "spec", "weights", "instruction", "intervention", "policy/selection"),
        request=("reset",),  # of a policy that thinks, where a text without an action ends the episode
    ),
    "teleop": Grant(
        publish=("command", "intervention", "guide/command"),
        subscribe=("feedback", "joy", "policy/action", "spec", "estop/state", "guide"),
    ),
    "learner": Grant(
        publish=("learner/status", "weights", "curriculum/plan"),
        subscribe=(
            *OBSERVATION,
            "feedback",
            *("policy/action", "policy/status", "policy/thought"),
            "command",
            "intervention",
            "executed",
            "spec",
            "/diagnostics",
        ),
        reply=("checkpoint", "pause"),
        request=("*/list_parameters", "*/get_parameters"),
    ),
    "scripted_operator": Grant(
        publish=("joy",),
        subscribe=(
            *("feedback", "scene", "spec", "learner/status", "intervention"),
            *("observation/state", "policy/action", "executed"),  # what one who judges looks at
            "policy/thought",  # what one who listens hears
        ),
    ),
    "joystick": Grant(publish=("joy",)),
    "spacemouse": Grant(publish=("joy",)),
    "evaluate": Grant(subscribe=("feedback", "film/image_raw", "intervention", "spec")),
    "selector": Grant(
        publish=("policy/selection",),
        subscribe=("feedback", "intervention", "policy/status", "spec"),
    ),
    "recorder": Grant(
        publish=("recorder/status",),
        subscribe=(
            *OBSERVATION,
            *("feedback", "policy/action", "policy/status", "policy/thought", "command", "intervention", "executed"),
            *("scene", "spec", "joy", "instruction"),
        ),
    ),
    "text_bridge": Grant(
        publish=("observation/text", "feedback", "executed/text", "spec", "/clock", "clock"),
        subscribe=("policy/text", "learner/status"),
        reply=("reset",),
    ),
    "text_policy_server": Grant(
        publish=("policy/text", "policy/status"),
        subscribe=("observation/text", "feedback", "spec", "weights"),
    ),
    "text_learner": Grant(
        publish=("learner/status", "weights"),
        subscribe=("observation/text", "feedback", "executed/text", "spec", "/diagnostics"),
        reply=("checkpoint", "pause"),
        request=("*/list_parameters", "*/get_parameters"),
    ),
    "text_recorder": Grant(subscribe=("observation/text", "feedback", "executed/text", "spec")),
    "lifecycle_manager": Grant(subscribe=("/diagnostics",), request=("*/change_state", "*/get_state")),
}
"""What each executable needs besides what every node needs."""
OUTPUTS = {"twist": TwistConfig, "forward": ForwardConfig, "trajectory": TrajectoryConfig}


def grant_of(executable: str, arm: ArmDescription | None = None) -> Grant:
    """All that a node needs.

    Args:
        executable: of this package.
        arm: for ``arm_bridge``, the description whose topics it uses.

    Raises:
        UnknownNameError: no such node.
        ConfigError: the arm's output is not one of this package and does not name its topic.
    """
    if executable not in GRANTS:
        raise UnknownNameError("node", executable, GRANTS)
    services = tuple(f"~/{name}" for name in (*PARAMETER_SERVICES, *LIFECYCLE_SERVICES))
    every = Grant(
        publish=("/diagnostics", "/parameter_events", "/rosout", "~/transition_event"),
        subscribe=("/clock", "clock"),
        reply=services,
    )
    own = GRANTS[executable]
    return every + own if arm is None or executable != "arm_bridge" else every + own + _grant_of_arm(arm)


def for_arms(grant: Grant, arms: Iterable[str]) -> Grant:
    """What a node of no arm needs in a fleet: its own names, and the same below the namespace of each arm."""
    whole = grant
    for arm in arms:
        below = replace(
            grant,
            **{
                kind: tuple(f"{arm}/{name}" for name in getattr(grant, kind) if not name.startswith(("/", "~")))
                for kind in ("publish", "subscribe", "reply", "request")
            },
        )
        whole = whole + below
    return whole


def _grant_of_arm(arm: ArmDescription) -> Grant:
    """The topics that a description names."""
    heard = [arm.joints.topic]
    heard += {"topic": [arm.tip.topic], "tf": ["/tf", "/tf_static"], "kinematics": []}[arm.tip.source]
    heard += [arm.wrench.topic] if arm.wrench.topic else []
    heard += [pose.topic or name for name, pose in arm.poses.items()]
    for name, camera in arm.cameras.items():
        heard.append(camera.topic or f"{name}/image_raw" + ("/compressed" if camera.compressed else ""))
    if arm.reset.procedure == "manual":
        manual = Grant(publish=("guide",), subscribe=("guide/command",))
    else:
        manual = Grant(request=(arm.reset.service,) if arm.reset.service else ())
    return Grant(publish=_told(arm), subscribe=tuple(heard)) + manual


def _told(arm: ArmDescription) -> Names:
    """Where the output plug-in publishes."""
    given, plugin = arm.output_options, arm.output.plugin
    if plugin not in OUTPUTS:
        if "topic" not in given:
            raise ConfigError(f"output '{plugin}' of arm '{arm.name}' is not of this package: give output.topic")
        return (str(given["topic"]),)
    config = from_mapping(OUTPUTS[plugin], dict(given), f"output {plugin}")
    topic = config.topic or f"forward_{getattr(config, 'interface', '')}_controller/commands"
    return (topic, config.gripper_topic) if arm.action.gripper else (topic,)
