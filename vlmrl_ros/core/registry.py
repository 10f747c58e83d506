"""Plug-ins by name, from Python entry points. Nothing is imported before it is chosen."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from vlmrl_ros.core.errors import PluginError, UnknownNameError

_SINGULAR = {
    "learners": "learner",
    "policies": "policy",
    "encoders": "encoder",
    "tasks": "task",
    "operators": "operator",
    "curricula": "curriculum",
    "devices": "device",
    "outputs": "output",
    "text_tasks": "text task",
    "text_policies": "text policy",
}
GROUPS = tuple(_SINGULAR)


def names(group: str) -> tuple[str, ...]:
    """The names registered in a group such as ``"learners"``, sorted."""
    return tuple(sorted(_points(group)))


def check(group: str, name: str) -> None:
    """See that a plug-in is registered, without importing it.

    Raises:
        UnknownNameError: it is not; the message lists those that are.
    """
    points = _points(group)
    if name not in points:
        raise UnknownNameError(_SINGULAR[group], name, points)


def load(group: str, name: str) -> Any:
    """Import and return the object that a plug-in name stands for.

    Args:
        group: one of :data:`GROUPS`.
        name: the registered name.

    Returns:
        the object behind the entry point, usually a builder.

    Raises:
        UnknownNameError: no plug-in of that name; the message lists those that exist.
        PluginError: the plug-in is registered but fails to import.
    """
    check(group, name)
    points = _points(group)
    try:
        return points[name].load()
    except Exception as error:
        target, valid = points[name].value, ", ".join(sorted(points))
        raise PluginError(
            f"{group} plug-in '{name}' ({target}) cannot be loaded: {error!r}; registered: {valid}"
        ) from error


def _points(group: str) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise UnknownNameError("plug-in group", group, GROUPS)
    return {point.name: point for point in entry_points(group=f"vlmrl_ros.{group}")}
