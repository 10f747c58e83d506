"""Finds another process that publishes what only one may publish."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.diagnostics import PROCESS, process_name
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.errors import RivalError

NEW_S = 10.0
"""A node that finds a rival within this time is the one that has come last, and gives way."""


class Rivals:
    """Ends a node that has come to a topic which another node is publishing already.

    Whoever lives sends heartbeats, and latched ones are heard as soon as their sender is found. A dead node, which the
    middleware may list for a while, sends none; so a node that takes its place is left alone.
    """

    def __init__(self, shell: Shell[Any], topic: str) -> None:
        """Begin to listen.

        Args:
            shell: the node.
            topic: that only one node may publish.
        """
        self._shell = shell
        self._topic = shell.resolve_topic_name(topic)
        self._until_s = time.monotonic() + NEW_S
        shell.listen(DiagnosticArray, "/diagnostics", self._on_heartbeat, qos.DIAGNOSTICS)

    def _on_heartbeat(self, message: DiagnosticArray) -> None:
        for status in message.status:
            process = next((item.value for item in status.values if item.key == PROCESS), "")
            if process and process != process_name() and status.name in self._others():
                self._found(status.name, process)

    def _found(self, name: str, process: str) -> None:
        if time.monotonic() < self._until_s:
            self._shell.fail(RivalError(self._shell.get_fully_qualified_name(), self._topic, name, process))
        else:
            self._shell.diagnostics.count(f"heartbeats of another publisher of {self._topic}")

    def _others(self) -> Counter[str]:
        """Nodes that publish the topic, without this one; another may have the same name."""
        infos = self._shell.get_publishers_info_by_topic(self._topic)
        own = [self._shell.get_fully_qualified_name() for p in self._shell.publishers if p.topic_name == self._topic]
        return Counter(f"{info.node_namespace.rstrip('/')}/{info.node_name}" for info in infos) - Counter(own)
