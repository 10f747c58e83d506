"""ROS parameters from frozen dataclasses: one declaration, no second home for a default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from vlmrl_ros.core.config import Option, from_mapping, options, to_mapping
from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.core.registry import GROUPS, names

T = TypeVar("T")

_PREFIXES = ("gym", "dm", "safety", "arbiter", "operator", "judgement")
"""Besides the names of the plug-ins."""
_OF_ROS = ("use_sim_time", "start_type_description_service", "qos_overrides")


def declare(node: Node, config_type: type[T]) -> T:
    """Declare a node's parameters from its configuration class and read the values given at start.

    The node must have been made with ``automatically_declare_parameters_from_overrides=True``. Every parameter is
    read-only: it has a description, a unit, a range and the one default that the class holds.

    Args:
        node: the node.
        config_type: frozen dataclass made of :func:`vlmrl_ros.core.config.option` fields.

    Returns:
        the configuration in force.

    Raises:
        UnknownNameError: a parameter was given that the node does not have.
        ConfigError: a value of the wrong type or out of range.
    """
    known = options(config_type)
    given = _given(node)
    _refuse_unknown(node, given, known)
    config = from_mapping(config_type, {name: given[name] for name in given if name in known}, node.get_name())
    for name, value in to_mapping(config).items():
        if node.has_parameter(name):
            node.undeclare_parameter(name)
        kind, _, about = known[name]
        descriptor = _descriptor(kind, about)
        if isinstance(value, list) and not value:
            descriptor.dynamic_typing = True
        node.declare_parameter(name, value, descriptor, ignore_override=True)
    return config


def plugin_options(node: Node, plugin: str) -> dict[str, Any]:
    """The options given for a plug-in: parameters ``<plug-in>.<option>``, for example ``rlif.gamma``.

    ``gym:FetchReach-v4`` reads ``gym.*``.
    """
    prefix = plugin.partition(":")[0]
    return {name: parameter.value for name, parameter in node.get_parameters_by_prefix(prefix).items()}


def show_options(node: Node, plugin: str, in_force: Mapping[str, Any]) -> None:
    """Show the options of a plug-in that are in force as read-only parameters ``<plug-in>.<option>``."""
    prefix = plugin.partition(":")[0]
    for name, value in in_force.items():
        full = f"{prefix}.{name}"
        if node.has_parameter(full):
            if node.describe_parameter(full).read_only:
                continue  # shown before the bridge, or the node, began anew
            node.undeclare_parameter(full)
        descriptor = ParameterDescriptor(read_only=True, dynamic_typing=value == [])
        node.declare_parameter(full, value, descriptor, ignore_override=True)


def _given(node: Node) -> dict[str, Any]:
    found: Mapping[str, Parameter] = node.get_parameters_by_prefix("")
    return {name: parameter.value for name, parameter in found.items()}


def _refuse_unknown(node: Node, given: Iterable[str], known: Iterable[str]) -> None:
    prefixes = {*_PREFIXES, *(name for group in GROUPS for name in names(group))}
    valid = set(known)
    for name in given:
        prefix, dot, _ = name.partition(".")
        if name not in valid and prefix not in _OF_ROS and not (dot and prefix in prefixes):
            raise UnknownNameError(f"parameter of {node.get_name()}", name, valid)


def _descriptor(kind: type[Any], about: Option) -> ParameterDescriptor:
    unit = f" [{about.unit}]" if about.unit else ""
    choices = f" One of: {', '.join(about.choices)}." if about.choices else ""
    result = ParameterDescriptor(description=f"{about.description}{unit}{choices}", read_only=True)
    if about.low is not None and about.high is not None:
        if kind is float:
            result.floating_point_range = [FloatingPointRange(from_value=float(about.low), to_value=float(about.high))]
        elif kind is int:
            result.integer_range = [IntegerRange(from_value=int(about.low), to_value=int(about.high), step=1)]
    return result
