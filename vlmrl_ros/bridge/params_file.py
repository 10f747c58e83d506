"""The parameter file of a launch: read once before anything starts, so that one line says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from rclpy.utilities import remove_ros_args

from vlmrl_ros.bridge.security.grants import GRANTS
from vlmrl_ros.core.errors import ConfigError, UnknownNameError

_PARAMETERS = "ros__parameters"


def unused(file: str, nodes: Mapping[str, str]) -> list[str]:
    """Whom a parameter file is for that is not there: one file may serve several launch files.

    Args:
        file: its path.
        nodes: those that are launched, full name to executable.

    Returns:
        its sections for nodes of this package that are not launched.

    Raises:
        ConfigError: no file, or none that ROS 2 reads.
        UnknownNameError: a section for a node that this package does not have.
    """
    absent = [name for name in _sections(_read(file)) if not any(map(_matches(name), nodes))]
    for name in absent:
        if name.rpartition("/")[2] not in GRANTS:
            valid = ("/**", *(f"/**/{executable}" for executable in set(nodes.values())))
            raise UnknownNameError(f"node in params_file '{file}'", name, valid)
    return absent


def _read(file: str) -> Mapping[str, Any]:
    """The content, once the parser of the nodes has taken it."""
    if not Path(file).is_file():
        raise ConfigError(f"params_file '{file}' is no file; valid: a YAML file of parameters")
    try:
        remove_ros_args(["", "--ros-args", "--params-file", file])
    except RuntimeError as error:
        found = re.search(r"Error: (.*?)(\n|, at /|$)", str(error))
        raise ConfigError(f"params_file '{file}' cannot be read: {found[1] if found else error}") from error
    content = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
    if not isinstance(content, Mapping):
        raise ConfigError(f"params_file '{file}' is {content!r}; valid: names of nodes, and below each {_PARAMETERS}")
    return content


def _sections(content: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Names of nodes, with all namespaces that stand above them."""
    for name, below in content.items():
        if name == _PARAMETERS:
            yield above
        elif isinstance(below, Mapping):
            yield from _sections(below, f"{above}/{name.lstrip('/')}")


def _matches(name: str) -> Callable[[str], object]:
    """Says whether a name with wildcards stands for a full name, as the nodes themselves find it (rclcpp, rclpy)."""
    return re.compile(name.replace("/*", r"(/\w+)")).fullmatch
