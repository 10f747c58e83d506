"""What a lifecycle manager does next, from what the nodes say of themselves. Pure: the node brings clock and services.

All nodes are configured in order, then all are activated in order. From then on a node that is unconfigured again has
taken the place of one that died; it is brought up by itself, and waits for no other that died too. A manager that has
been started again itself only finds done what is done.
"""

from __future__ import annotations

from collections.abc import Sequence

UNCONFIGURED, INACTIVE, ACTIVE = "unconfigured", "inactive", "active"
LEADS_TO = {"configure": INACTIVE, "activate": ACTIVE}
"""Transition to the state that it leads to."""
LEADS_ON = {UNCONFIGURED: "configure", INACTIVE: "activate"}
"""State to the transition that leads on from it."""


class BringUp:
    """The states of the nodes, by their heartbeats, and the transition that is due."""

    def __init__(self, names: Sequence[str], heartbeat_timeout_s: float) -> None:
        """Nothing is known of any node yet.

        Args:
            names: of the nodes, in the order in which they are brought up.
            heartbeat_timeout_s: a node not heard of for longer is silent, and its state unknown.
        """
        self._names = tuple(names)
        self._timeout_s = heartbeat_timeout_s
        self._states: dict[str, str] = {}
        self._heard_s: dict[str, float] = {}
        self._due = set(self._names)
        self._in_order = True

    @property
    def complete(self) -> bool:
        """Every node has been active and none has begun anew since."""
        return not self._due

    def state(self, name: str) -> str:
        """The state of a node as far as it is known; empty when it is silent."""
        return self._states.get(name, "")

    def hear(self, name: str, state: str, now_s: float) -> bool:
        """Take a heartbeat.

        Args:
            name: of the node; others than those given at construction are ignored.
            state: its lifecycle state.
            now_s: time of reception on a steady clock, s.

        Returns:
            True when the state is news.
        """
        if name not in self._names:
            return False
        news = self._states.get(name) != state
        self._states[name] = state
        self._heard_s[name] = now_s
        if state == UNCONFIGURED:
            self._due.add(name)
        elif state == ACTIVE:
            self._due.discard(name)
            self._in_order = self._in_order and bool(self._due)
        return news

    def heard_since(self, name: str, since_s: float) -> bool:
        """Whether a node has been heard of after a moment, s on the clock of :meth:`hear`."""
        return self._heard_s.get(name, since_s) > since_s

    def silent(self, now_s: float) -> list[str]:
        """The nodes that have been heard of and are silent now, in order."""
        found = [
            name for name in self._names if name in self._heard_s and now_s - self._heard_s[name] > self._timeout_s
        ]
        for name in found:
            self._states.pop(name, None)
        return found

    def waits_for(self) -> str:
        """The node that the bring-up waits for to be heard of; empty when it waits for none."""
        due = (name for name in self._names if name in self._due)
        return next((name for name in due if not self.state(name)), "")

    def due(self) -> list[tuple[str, str]]:
        """The nodes and the transitions that are due: ``"configure"`` or ``"activate"``.

        At first one at a time, and none when a node that comes first is not known; later all at once.
        """
        due = [name for name in self._names if name in self._due]
        if self._in_order:
            unconfigured = [name for name in due if self.state(name) in ("", UNCONFIGURED)]
            due = (unconfigured or due)[:1]
        return [(name, LEADS_ON[self.state(name)]) for name in due if self.state(name) in LEADS_ON]
