"""What a policy that thinks says of its steps: ``policy/thought``, and in ``policy/status`` which thought each carries
out.
"""

from __future__ import annotations

from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages
from vlmrl_ros.core.spoken import Spoken, read_spoken

THOUGHT_AGE_NAME = "thought_age_s"
"""In ``policy/status``: age of the observation whose thought the action carries out, s; -1: none."""


def thought_age_s(age_ns: int) -> float:
    """The value of :data:`THOUGHT_AGE_NAME`; exact to the nanosecond up to a hundred days."""
    return age_ns * 1e-9 if age_ns >= 0 else -1.0


def read_thought_age(message: JointState) -> int:
    """Age of the observation whose thought an action carries out, ns; -1: none.

    Raises:
        ShapeError: the policy does not say, because it does not think.
        NonFiniteError, RangeError: see :func:`~vlmrl_ros.bridge.messages.required`.
    """
    age_s = messages.required(message, [THOUGHT_AGE_NAME], "policy/status")[THOUGHT_AGE_NAME]
    return round(age_s * 1e9) if age_s >= 0 else -1


def read_thought(message: String) -> Spoken | None:
    """What was said; None where the policy could not think about its observation.

    Raises:
        RangeError: longer than any thought.
        ShapeError: not a thought of a policy that answers in words.
    """
    return read_spoken(message.data)
