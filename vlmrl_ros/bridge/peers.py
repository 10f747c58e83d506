"""The parameters in force of all nodes beside this one, for ``config.yaml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
from rclpy.task import Future

from vlmrl_ros.bridge.shell import Shell

PERIOD_S = 0.5
ATTEMPTS = 40

Settings = dict[str, dict[str, Any]]


class PeerParameters:
    """Asks every node of some namespaces for its parameters, without waiting; hands over what they answer."""

    def __init__(self, shell: Shell[Any], done: Callable[[Settings], None], below: Sequence[str] = ()) -> None:
        """Begin to ask.

        Args:
            shell: this node; its own parameters are included, and those of all nodes of its namespace.
            done: called once with node name to parameters; a node that does not answer in time is left out.
            below: more namespaces, below that of this node; their nodes go by the name ``<namespace>/<node>``.
        """
        self._shell = shell
        self._done = done
        space = shell.get_namespace()
        self._prefixes = {space: "", **{f"{space.rstrip('/')}/{name}": f"{name}/" for name in below}}
        self._found: Settings = {}
        self._asked: dict[str, AsyncParameterClient] = {}
        self._left = ATTEMPTS
        self._before = list(shell.clients)
        self._timer = shell.steady_timer(PERIOD_S, self._ask)

    def _ask(self) -> None:
        self._left -= 1
        found = self._shell.get_node_names_and_namespaces()
        peers = [
            f"{self._prefixes[space]}{name}"
            for name, space in found
            if space in self._prefixes and not name.startswith("_")
        ]
        for name in peers:
            if name not in self._asked:
                self._asked[name] = AsyncParameterClient(self._shell, name)
            if name not in self._found and self._asked[name].services_are_ready():
                self._found[name] = {}
                self._asked[name].list_parameters(callback=self._listed(name))
        complete = bool(peers) and all(self._found.get(name) for name in peers)
        if complete or not self._left:
            self._leave()
            self._done({name: values for name, values in sorted(self._found.items()) if values})

    def _leave(self) -> None:
        """Take the timer and the clients out of the executor, where each would cost a little at every message."""
        self._shell.destroy_timer(self._timer)
        for client in [client for client in self._shell.clients if client not in self._before]:
            self._shell.destroy_client(client)

    def _listed(self, name: str) -> Callable[[Future[Any]], None]:
        def answered(future: Future[Any]) -> None:
            names = sorted(future.result().result.names)
            self._asked[name].get_parameters(names, callback=self._read(name, names))

        return answered

    def _read(self, name: str, names: list[str]) -> Callable[[Future[Any]], None]:
        def answered(future: Future[Any]) -> None:
            values = [parameter_value_to_python(value) for value in future.result().values]
            self._found[name] = _plain(dict(zip(names, values, strict=True)))

        return answered


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as YAML knows them: arrays become lists."""
    return {
        name: list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value
        for name, value in values.items()
    }
