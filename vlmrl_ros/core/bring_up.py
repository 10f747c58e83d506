"""What a lifecycle manager does next, from what the nodes say of themselves. Pure: the node brings clock and services.

All nodes are configured in order, then all are activated in order. From then on a node that is unconfigured again has
taken the place of one that died, and is brought up like the others. A manager that has been started again itself only
finds done what is done.
"""

from __future__ import annotations

from collections.abc import Sequence

UNCONFIGURED, INACTIVE, ACTIVE = "unconfigured", "inactive", "active"
LEADS_TO = {"configure": INACTIVE, "activate": ACTIVE}
"""Transition to the state that it leads to."""


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

    def next(self) -> tuple[str, str] | None:
        """The node and the transition that is due: ``"configure"`` or ``"activate"``.

        None when nothing is, or when a node that comes first is not known.
        """
        due = [name for name in self._names if name in self._due]
        for name in due:
            if self.state(name) in ("", UNCONFIGURED):
                return (name, "configure") if self.state(name) else None
        return next(((name, "activate") for name in due if self.state(name) == INACTIVE), None)
