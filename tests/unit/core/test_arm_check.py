from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vlmrl_ros.core.arm import parse_arm
from vlmrl_ros.core.arm_check import check_arm
from vlmrl_ros.core.errors import VlmrlError

FILE = Path(__file__).resolve().parents[3] / "launch" / "config" / "arms" / "fr3.yaml"


@pytest.mark.parametrize(
    ("section", "change", "says"),
    [
        (
            "limits",
            {"acceleration": [1.0, 2.0]},
            "arm 'my' limits: acceleration has 2 numbers; valid: none, one, or one",
        ),
        ("limits", {"workspace_low": [0.9, -0.3, 0.01]}, "arm 'my' limits: workspace_low .* with low below high"),
        (
            "home",
            {"position": [0.9, 0.0, 0.25]},
            "home.position with the start's box reaches .*: homing would never end",
        ),
        ("reset", {"start_high": [0.3, 0.0, 0.0]}, "reaches .*0.75, 0.0, 0.25.*outside the box of limits"),
        ("reset", {"lift_z_m": 0.6}, "reset.lift_z_m is 0.6, outside the box of limits, 0.01 to 0.5"),
        ("output", {"plugin": "twst"}, "unknown output 'twst'; valid: twist, forward, trajectory"),
        ("cameras", {"wrist cam": {}}, "a camera is called 'wrist cam'; valid: letters, digits and _"),
    ],
)
def test_what_cannot_work_is_said_before_anything_starts(section: str, change: dict[str, Any], says: str):
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    check_arm(parse_arm("my", content))
    content[section] = {**content.get(section, {}), **change}
    with pytest.raises(VlmrlError, match=says):
        check_arm(parse_arm("my", content))
