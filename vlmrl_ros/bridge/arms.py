"""Descriptions of arms from YAML files: those that come with the package, by name, and one's own, by path."""

from __future__ import annotations

from pathlib import Path

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from vlmrl_ros.core.arm import ArmDescription, parse_arm
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
    return parse_arm(name, content), path.parent
