"""Options of the arbiter."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option


@dataclass(frozen=True)
class ArbiterConfig:
    """How control changes hands."""

    mode: str = option(
        "hold",
        "hold: the person has control while the takeover is pressed; toggle: a press takes, the next one gives back.",
        choices=("hold", "toggle"),
    )
    reentry_delay_s: float = option(
        0.0,
        "After a release the arm stands still until this time has passed since the last step in the person's hands.",
        unit="s",
        low=0.0,
        high=10.0,
    )
    joy_late_steps: float = option(
        0.8,
        "A joystick not heard of for longer than this and than joy_late_s is late: a person's command is zero until it "
        "is heard again. Below 1, so that silence stops the arm within two ticks.",
        unit="control steps",
        low=0.1,
        high=10.0,
    )
    joy_late_s: float = option(
        0.04, "See joy_late_steps: two readings of a device at 50 Hz.", unit="s", low=0.005, high=10.0
    )
    joy_timeout_s: float = option(
        0.5,
        "A joystick not heard of for longer is lost; after a loss while held the takeover must be released first.",
        unit="s",
        low=0.01,
        high=10.0,
    )
    policy_acts: bool = option(
        True, "The policy acts while nobody holds control; otherwise the arm stands still then, as for demonstrations."
    )
    require_joy: bool = option(False, "The policy too may act only while a live joystick could stop it.")
