"""Topics that a user names: subscribed to as soon as somebody publishes them, with the type and QoS that they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from rclpy.qos import QoSProfile

from vlmrl_ros.bridge.shell import Shell

PERIOD_S = 0.5
Found = Callable[[str, type[Any], QoSProfile], None]


class MoreTopics:
    """Looks for topics until all are found."""

    def __init__(self, shell: Shell[Any], names: Iterable[str], found: Found) -> None:
        """Begin to look.

        Args:
            shell: the node that subscribes.
            names: of the topics, relative to its namespace.
            found: called with absolute name, message class and QoS of each.
        """
        self._shell = shell
        self._missing = {shell.resolve_topic_name(name) for name in names}
        self._found = found
        self._timer = shell.steady_timer(PERIOD_S, self._look) if self._missing else None

    def _look(self) -> None:
        for name in sorted(self._missing):
            offers = self._shell.get_publishers_info_by_topic(name)
            if offers:
                self._missing.discard(name)
                self._subscribe(name, offers[0].topic_type, offers[0].qos_profile)
        self._shell.diagnostics.value("topics awaited", ", ".join(sorted(self._missing)) or "none")
        if not self._missing and self._timer is not None:
            self._shell.destroy_timer(self._timer)

    def _subscribe(self, name: str, type_name: str, offered: QoSProfile) -> None:
        package, _, kind = type_name.split("/")
        try:
            message_type = getattr(import_module(f"{package}.msg"), kind)
        except (ImportError, AttributeError):
            self._shell.get_logger().error(f"{name} is not recorded: its type {type_name} is not installed here")
            return
        profile = QoSProfile(depth=100, reliability=offered.reliability, durability=offered.durability)
        self._found(name, message_type, profile)
