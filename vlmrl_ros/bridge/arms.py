"""Descriptions of arms from YAML files: those that come with the package, by name, and one's own, by path."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from vlmrl_ros.core.arm import ArmDescription, parse_arm
from vlmrl_ros.core.arm_check import check_arm
from vlmrl_ros.core.arm_features import task_spec
from vlmrl_ros.core.errors import ConfigError, UnknownNameError

SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 1_000_000


def arms_directory() -> Path:
    """Where the descriptions that come with the package lie."""
    try:
        return Path(get_package_share_directory("vlmrl_ros")) / "config" / "arms"
    except PackageNotFoundError as error:
        raise ConfigError(f"package vlmrl_ros is not installed: {error}") from error


def arm_names() -> tuple[str, ...]:
    """The arms that come with the package, sorted."""
    return tuple(sorted(path.stem for path in arms_directory().glob("*.yaml")))


def load_arm(name: str) -> tuple[ArmDescription, Path]:
    """Read an arm's description.

    Args:
        name: one of :func:`arm_names`, or the path of a file of your own that ends in ``.yaml``.

    Returns:
        the checked description, and the folder that its relative paths start from.

    Raises:
        UnknownNameError: no such arm, or a key that descriptions do not have; the message lists those that exist.
        ConfigError: the file cannot be read, or what it says makes no sense.
    """
    own = name.endswith(SUFFIXES)
    if not own and name not in arm_names():
        raise UnknownNameError("arm", name, (*arm_names(), "<path>.yaml"))
    path = Path(name).expanduser() if own else arms_directory() / f"{name}.yaml"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"arm '{name}' has {path.stat().st_size} bytes; valid: {MAX_BYTES} at most")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"arm '{name}' cannot be read: {error}") from error
    arm = parse_arm(name, content)
    check_arm(arm)
    return arm, path.parent


def load_fleet(names: Sequence[str]) -> list[ArmDescription]:
    """Read the descriptions of arms that are to learn as one.

    Each is in a namespace of its own, where the relative topics of its description lie.

    Args:
        names: of each arm, see :func:`load_arm`.

    Raises:
        UnknownNameError: see :func:`load_arm`.
        ConfigError: see :func:`load_arm`; or the arms have different tasks, or two would be moved by one topic.
    """
    fleet = [load_arm(name)[0] for name in names]
    first = task_spec(fleet[0])
    mine = json.loads(first.to_json())
    moved_by: dict[str, int] = {}
    for index, arm in enumerate(fleet):
        theirs = json.loads(task_spec(arm).to_json())
        different = [name for name in mine if theirs[name] != mine[name]]
        if different:
            text = f"arm '{arm.name}' cannot learn with '{fleet[0].name}': {' and '.join(different)} of its task differ"
            raise ConfigError(f"{text}; valid: arms whose observation, action and rate are the same")
        for topic in _absolute_outputs(arm):
            if topic in moved_by:
                both = f"arms {moved_by[topic]} and {index} ('{fleet[moved_by[topic]].name}' and '{arm.name}')"
                raise ConfigError(f"{both} would be moved by the one topic {topic}; valid: a topic of its own for each")
            moved_by[topic] = index
    return fleet


def _absolute_outputs(arm: ArmDescription) -> set[str]:
    """Topics that move the arm, whatever namespace its bridge is in."""
    given = (str(value) for key, value in arm.output_options.items() if key.endswith("topic"))
    return {topic for topic in given if topic.startswith("/")}
