"""Names and namespaces of nodes."""

from __future__ import annotations

import re

from ros2lite.errors import Ros2LiteError

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def is_root_namespace(namespace: str) -> bool:
    """True for `/`."""
    return namespace == "/"


def is_namespace_absolute(namespace: str) -> bool:
    """True if it starts at the root."""
    return namespace.startswith("/")


def prefix_namespace(base: str | None, namespace: str | None) -> str | None:
    """`namespace` within `base`; an absolute one stays as it is, None stands for "not given"."""
    if namespace is None or (base and not is_namespace_absolute(namespace)):
        combined = base if namespace is None else f"{(base or '').rstrip('/')}/{namespace}"
    else:
        combined = namespace
    return combined if combined is None or is_root_namespace(combined) else combined.rstrip("/")


def make_namespace_absolute(namespace: str | None) -> str | None:
    """The same, starting at the root."""
    return namespace if namespace is None or is_namespace_absolute(namespace) else f"/{namespace}"


def validate_node_name(name: str) -> None:
    """Raise a Ros2LiteError unless `name` is a node name."""
    if not _NAME.fullmatch(name):
        raise Ros2LiteError(f"node name '{name}' is not valid: letters, digits and _, not starting with a digit")


def validate_namespace(namespace: str) -> None:
    """Raise a Ros2LiteError unless `namespace` is an absolute namespace."""
    parts = namespace.split("/")
    if parts[0] or not (is_root_namespace(namespace) or all(_NAME.fullmatch(part) for part in parts[1:])):
        raise Ros2LiteError(f"namespace '{namespace}' is not valid: a slash before each part, parts as node names")
