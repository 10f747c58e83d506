"""Messages to numpy and back.

A named vector is a ``sensor_msgs/JointState`` whose ``name[i]`` labels ``position[i]``.
"""

from __future__ import annotations

import array
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image, JointState, Joy
from std_msgs.msg import String

from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.errors import NonFiniteError, RangeError, ShapeError
from vlmrl_ros.core.spec import MAX_COMPONENTS, MAX_COUNT, MAX_NAME, FloatArray, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Feedback, Intervention, Mark, Source

E = TypeVar("E", Mark, Source)

FEEDBACK_NAMES = ["reward", "terminated", "truncated", "success", "episode", "step", "weights_version"]
PLAN_NAMES = ["context", "rolled_in", "roll_in_steps", "roll_in_context", "extra_steps"]
"""More components of ``feedback``, in the episodes of a curriculum."""
INTERVENTION_NAMES = ["active", "edge", "reward", "source"]
MARK_NAME = "mark"
ESTOP_NAME = "estop"
ADVICE_PREFIX = "advice/"
"""Before the names of the action's components, where ``intervention`` says what the person would do."""
LIMITED_NAME = "limited"
MAX_VECTOR = MAX_COMPONENTS
"""Longest named vector that is read; longer ones are refused before anything is allocated."""
MAX_VALUE = 1e9
"""Greatest number of a named vector, in SI units: far above what is real, far below what overflows in a network."""


def to_time(stamp_ns: int) -> Time:
    """Nanoseconds to a ROS time."""
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)


def to_ns(stamp: Time) -> int:
    """A ROS time to nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def stamp_of(message: JointState | Image | Joy) -> int:
    """The header stamp of a message, ns: the key of the step that it belongs to."""
    return to_ns(message.header.stamp)


def named_vector(stamp_ns: int, names: Sequence[str], values: npt.ArrayLike, frame_id: str = "") -> JointState:
    """Compose a named vector; ``values``: float (N,), one for each name."""
    message = JointState()
    message.header.stamp = to_time(stamp_ns)
    message.header.frame_id = frame_id
    message.name = list(names)
    message.position = array.array("d", np.asarray(values, np.float64).tobytes())
    return message


def read_vector(message: JointState, spec: VectorSpec, what: str) -> FloatArray:
    """Read the components of a spec, float32 (N,), in the spec's order; other components are ignored.

    Raises:
        ShapeError: names and values differ in number, or a component is missing.
        NonFiniteError: a component is NaN or infinite.
        RangeError: a component is beyond :data:`MAX_VALUE`, or as in :func:`read_values`.
    """
    _check_lengths(message, what)
    if tuple(message.name) == spec.names:
        return _within(spec.check(np.asarray(message.position), what), what)
    values = read_values(message, what)
    missing = [name for name in spec.names if name not in values]
    if missing:
        raise ShapeError(f"{what} lacks {_some(missing)}; it has {_some(values) or 'nothing'}")
    return _within(spec.check(np.array([values[name] for name in spec.names]), what), what)


def read_values(message: JointState, what: str) -> dict[str, float]:
    """All components by name.

    Raises:
        ShapeError: names and values differ in number, or there are more than :data:`MAX_VECTOR`.
        RangeError: a name is too long or comes twice.
    """
    _check_lengths(message, what)
    values = dict(zip(message.name, message.position, strict=True))
    if len(values) < len(message.name):
        raise RangeError(f"{what} has {len(message.name)} names, but only {len(values)} different ones")
    longest = max(map(len, values), default=0)
    if longest > MAX_NAME:
        raise RangeError(f"{what} has a name of {longest} characters; the most that is read is {MAX_NAME}")
    return values


def read_scene(message: JointState) -> dict[str, float]:
    """Read ``scene``: every component by name.

    Raises:
        ShapeError: as in :func:`read_values`.
        NonFiniteError: a component is NaN or infinite.
        RangeError: a component is beyond :data:`MAX_VALUE`.
    """
    values = read_values(message, "scene")
    return dict(required(message, list(values), "scene"))


def read_spec(message: String, in_force: TaskSpec | None) -> TaskSpec:
    """Read ``spec``. A node works on one task until it is configured anew: nobody can put another under it.

    Args:
        message: the spec as JSON.
        in_force: the spec that the node works with, if it has one already.

    Raises:
        ShapeError: not a task spec, or one of another task than the one in force.
        RangeError: sizes that no task has.
    """
    spec = TaskSpec.from_json(message.data)
    if in_force is not None and spec.to_json() != in_force.to_json():
        raise ShapeError(f"a spec of '{spec.task}' that is not the one of '{in_force.task}' in force; configure anew")
    return spec


def _within(values: FloatArray, what: str) -> FloatArray:
    if np.abs(values).max(initial=0.0) > MAX_VALUE:
        raise RangeError(f"{what} has {np.abs(values).max():g}; the most that is read is {MAX_VALUE:g}")
    return values


def _some(names: Iterable[str], most: int = 20) -> str:
    """The first names, shortened, for an error message."""
    listed = list(names)
    text = ", ".join(name[:MAX_NAME] for name in listed[:most])
    return f"{text} and {len(listed) - most} more" if len(listed) > most else text


def _check_lengths(message: JointState, what: str) -> None:
    names, values = len(message.name), len(message.position)
    if names != values or names > MAX_VECTOR:
        raise ShapeError(f"{what} has {names} names and {values} values; they must agree and be {MAX_VECTOR} at most")


def feedback_message(stamp_ns: int, feedback: Feedback) -> JointState:
    """Compose ``feedback``."""
    f, plan = feedback, feedback.plan
    values = [f.reward, f.terminated, f.truncated, f.success, f.episode, f.step, f.weights_version]
    if plan is None:
        return named_vector(stamp_ns, FEEDBACK_NAMES, values)
    return named_vector(stamp_ns, [*FEEDBACK_NAMES, *PLAN_NAMES], [*values, *astuple(plan)])


def read_feedback(message: JointState) -> Feedback:
    """Read ``feedback``.

    Raises:
        ShapeError: a component is missing.
        NonFiniteError: a component is NaN or infinite.
        RangeError: a count that is no whole number from 0, or a number beyond :data:`MAX_VALUE`.
    """
    planned = PLAN_NAMES[0] in message.name
    names = [*FEEDBACK_NAMES, *PLAN_NAMES] if planned else FEEDBACK_NAMES
    counts = ("episode", "step", "weights_version", "roll_in_steps", "extra_steps")
    values = required(message, names, "feedback", counts)
    return Feedback(
        reward=values["reward"],
        terminated=values["terminated"] > 0.5,
        truncated=values["truncated"] > 0.5,
        success=values["success"] > 0.5,
        episode=int(values["episode"]),
        step=int(values["step"]),
        weights_version=int(values["weights_version"]),
        plan=_plan(values) if planned else None,
    )


def _plan(values: Mapping[str, float]) -> EpisodePlan:
    return EpisodePlan(
        context=values["context"],
        rolled_in=values["rolled_in"] > 0.5,
        roll_in_steps=int(values["roll_in_steps"]),
        roll_in_context=values["roll_in_context"],
        extra_steps=int(values["extra_steps"]),
    )


def intervention_message(stamp_ns: int, intervention: Intervention, action: VectorSpec) -> JointState:
    """Compose ``intervention``; the person's advice bears the names of the action's components."""
    i = intervention
    advice = [ADVICE_PREFIX + name for name in action.names] if i.advice else []
    return named_vector(
        stamp_ns, [*INTERVENTION_NAMES, *advice], [i.active, i.edge, i.reward, int(i.source), *i.advice]
    )


def read_intervention(message: JointState, action: VectorSpec | None = None) -> Intervention:
    """Read ``intervention``.

    Args:
        message: the message.
        action: spec of the action, for the person's advice; it is left out otherwise.

    Raises:
        ShapeError: a component is missing or the source is unknown.
        NonFiniteError: a component is NaN or infinite.
        RangeError: a component is beyond :data:`MAX_VALUE`.
    """
    values = required(message, INTERVENTION_NAMES, "intervention")
    source = _member(Source, values["source"], "intervention source")
    advice: Mapping[str, float] = {}
    if action is not None and any(name.startswith(ADVICE_PREFIX) for name in values):
        advice = required(message, [ADVICE_PREFIX + name for name in action.names], "intervention")
    said = tuple(advice[ADVICE_PREFIX + name] for name in action.names) if action is not None and advice else ()
    return Intervention(values["active"] > 0.5, values["edge"] > 0.5, values["reward"], source, said)


def command_message(stamp_ns: int, spec: VectorSpec, action: FloatArray, mark: Mark, estop: bool = False) -> JointState:
    """Compose ``command``: the action's components, the operator's mark of the episode, and the e-stop's press."""
    values = [*action, int(mark), float(estop)]
    return named_vector(stamp_ns, [*spec.names, MARK_NAME, ESTOP_NAME], values, "base_link")


def read_mark(message: JointState) -> Mark:
    """The operator's mark in a ``command``; NONE where it has none.

    Raises:
        ShapeError: an unknown mark.
    """
    return _member(Mark, read_values(message, "command").get(MARK_NAME, 0.0), "command mark")


def read_estop(message: JointState) -> bool:
    """A ``command`` says that the e-stop is pressed.

    Raises:
        ShapeError: names and values differ in number.
        RangeError: it says something that is neither 0 nor 1.
    """
    value = read_values(message, "command").get(ESTOP_NAME, 0.0)
    if value not in (0.0, 1.0):
        raise RangeError(f"command has {ESTOP_NAME} {value:g}; valid: 0 and 1")
    return bool(value)


def read_guide(message: JointState) -> int:
    """Stamp of a question where to go while the arm is reset by hand, ns.

    Raises:
        ShapeError: it does not say before which episode.
        NonFiniteError: the episode is NaN or infinite.
        RangeError: the episode is no whole number from 0.
    """
    required(message, ["episode"], "guide", counts=("episode",))
    return stamp_of(message)


def required(message: JointState, names: Sequence[str], what: str, counts: Sequence[str] = ()) -> Mapping[str, float]:
    """All components by name, after those that are needed were checked.

    Args:
        message: a named vector.
        names: of those that are needed.
        what: it is, for errors.
        counts: those of them that are whole numbers from 0.

    Raises:
        ShapeError: a component is missing.
        NonFiniteError: a component is NaN or infinite.
        RangeError: a count is none, or a component is beyond :data:`MAX_VALUE`.
    """
    values = read_values(message, what)
    missing = [name for name in names if name not in values]
    if missing:
        raise ShapeError(f"{what} lacks {', '.join(missing)}; it needs {', '.join(names)}")
    bad = [name for name in names if not math.isfinite(values[name])]
    if bad:
        raise NonFiniteError(f"{what} is not finite in {_some(bad)}")
    for name in names:
        value = values[name]
        if name in counts and not (0 <= value <= MAX_COUNT and value == int(value)):
            raise RangeError(f"{what} has {name} {value:g}; valid: a whole number from 0 to 2**53")
        if name not in counts and abs(value) > MAX_VALUE:
            raise RangeError(f"{what} has {name[:MAX_NAME]} {value:g}; the most that is read is {MAX_VALUE:g}")
    return values


def _member(kind: type[E], value: float, what: str) -> E:
    try:
        return kind(value)
    except ValueError as error:
        valid = ", ".join(f"{m.value} ({m.name.lower()})" for m in kind)
        raise ShapeError(f"{what} is {value:g}; valid: {valid}") from error
