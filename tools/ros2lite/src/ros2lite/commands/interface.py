"""`ros2 interface`: fields of messages and services as the installed Python classes have them."""

from __future__ import annotations

import argparse
from typing import Any

from ros2lite.errors import Ros2LiteError
from ros2lite.messages import load_type

_KINDS = ("msg", "srv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    verbs = parser.add_subparsers(metavar="verb", required=True)
    show = verbs.add_parser("show", help="fields of a type")
    show.add_argument("type", help="e.g. sensor_msgs/msg/Image")
    show.set_defaults(main=_show)


def _show(arguments: argparse.Namespace) -> None:
    kind = arguments.type.split("/")[1] if arguments.type.count("/") == 2 else "msg"
    if kind not in _KINDS:
        raise Ros2LiteError(
            f"type '{arguments.type}' is no message or service, expected 'package/{'|'.join(_KINDS)}/Type'"
        )
    shown = load_type(arguments.type, kind)
    parts = [shown] if kind == "msg" else [shown.Request, shown.Response]
    print("\n---\n".join("\n".join(_lines(part)) for part in parts))


def _lines(message: Any, indent: str = "") -> list[str]:
    lines = []
    for name, type_name in message.get_fields_and_field_types().items():
        lines.append(f"{indent}{type_name} {name}")
        if "/" in type_name:
            element = type_name.removeprefix("sequence<").split(">")[0].split("[")[0].split(",")[0]
            lines += _lines(load_type(element), indent + "\t")
    return lines
