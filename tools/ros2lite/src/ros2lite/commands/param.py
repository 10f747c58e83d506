"""`ros2 param`: parameters of nodes."""

from __future__ import annotations

import argparse
from typing import Any

import yaml
from rcl_interfaces.msg import Parameter, ParameterType
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.parameter import get_parameter_value, parameter_value_to_python

from ros2lite.errors import Ros2LiteError, UnknownNameError
from ros2lite.messages import to_plain
from ros2lite.ros import Observer, add_discovery_argument, observer

_MARK = "PARAMETER_"
_TYPES = {
    getattr(ParameterType, name): name.removeprefix(_MARK).lower().replace("_", " ")
    for name in dir(ParameterType)
    if name.startswith(_MARK)
}
_LABELS = {
    "bool": "Boolean value is:",
    "integer": "Integer value is:",
    "double": "Double value is:",
    "string": "String value is:",
    "byte array": "Byte values are:",
    "bool array": "Boolean values are:",
    "integer array": "Integer values are:",
    "double array": "Double values are:",
    "string array": "String values are:",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    verbs = parser.add_subparsers(metavar="verb", required=True)
    for name, main, text in (
        ("list", _list, "names of the parameters of a node, or of all"),
        ("get", _get, "value of a parameter"),
        ("set", _set, "change a parameter"),
        ("describe", _describe, "type, meaning and range of parameters"),
        ("dump", _dump, "all parameters of a node as a parameter file"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.set_defaults(main=main)
        verb.add_argument("node_name", nargs="?" if name == "list" else None, help="name of the node")
        if name in ("get", "set"):
            verb.add_argument("parameter_name", help="name of the parameter")
        if name == "get":
            verb.add_argument("--hide-type", action="store_true", help="only the value")
        if name == "set":
            verb.add_argument("value", help="new value, as YAML")
        if name == "describe":
            verb.add_argument("parameter_names", nargs="+", help="names of the parameters")
        add_discovery_argument(verb)


def _list(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        if arguments.node_name is not None:
            print("\n".join(f"  {name}" for name in _names(ros, ros.require_node(arguments.node_name))))
            return
        ros.settle()
        for node in ros.nodes():
            if f"{node}/list_parameters" in ros.services():
                print("\n".join([f"{node}:", *(f"  {name}" for name in _names(ros, node))]))


def _get(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        node = ros.require_node(arguments.node_name)
        _check(ros, node, [arguments.parameter_name])
        value = _values(ros, node, [arguments.parameter_name])[0]
        plain = to_plain(parameter_value_to_python(value))
        label = _LABELS.get(_TYPES.get(value.type, ""))
        print("Parameter not set." if label is None else plain if arguments.hide_type else f"{label} {plain}")


def _set(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        node = ros.require_node(arguments.node_name)
        parameter = Parameter(name=arguments.parameter_name, value=get_parameter_value(arguments.value))
        request = SetParameters.Request(parameters=[parameter])
        result = ros.call(SetParameters, f"{node}/set_parameters", request).results[0]
        if not result.successful:
            raise Ros2LiteError(f"Setting parameter failed: {result.reason}")
        print(f"Set parameter successful{f': {result.reason}' if result.reason else ''}")


def _describe(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        node = ros.require_node(arguments.node_name)
        _check(ros, node, arguments.parameter_names)
        request = DescribeParameters.Request(names=arguments.parameter_names)
        for descriptor in ros.call(DescribeParameters, f"{node}/describe_parameters", request).descriptors:
            print("\n".join(_described(descriptor)))


def _described(descriptor: Any) -> list[str]:
    lines = [f"Parameter name: {descriptor.name}", f"  Type: {_TYPES.get(descriptor.type, descriptor.type)}"]
    lines += [f"  Description: {descriptor.description}"] if descriptor.description else []
    lines += ["  Constraints:"]
    lines += ["    Read only: true"] if descriptor.read_only else []
    for limits in [*descriptor.floating_point_range, *descriptor.integer_range][:1]:
        lines += [f"    Min value: {limits.from_value}", f"    Max value: {limits.to_value}"]
        lines += [f"    Step: {limits.step}"] if limits.step else []
    extra = descriptor.additional_constraints
    return [*lines, f"    Additional constraints: {extra}"] if extra else lines


def _dump(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        node = ros.require_node(arguments.node_name)
        names = _names(ros, node)
        tree: dict[str, Any] = {}
        for name, value in zip(names, _values(ros, node, names), strict=True):
            *folders, leaf = name.split(".")
            place = tree
            for folder in folders:
                place = place.setdefault(folder, {})
            place[leaf] = to_plain(parameter_value_to_python(value))
    print(yaml.safe_dump({node: {"ros__parameters": tree}}, default_flow_style=False))


def _names(ros: Observer, node: str) -> list[str]:
    return sorted(ros.call(ListParameters, f"{node}/list_parameters", ListParameters.Request()).result.names)


def _values(ros: Observer, node: str, names: list[str]) -> list[Any]:
    return ros.call(GetParameters, f"{node}/get_parameters", GetParameters.Request(names=names)).values


def _check(ros: Observer, node: str, wanted: list[str]) -> None:
    known = _names(ros, node)
    for name in wanted:
        if name not in known:
            raise UnknownNameError("parameter", name, known, f"at '{node}'")
