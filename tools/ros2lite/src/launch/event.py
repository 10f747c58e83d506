"""Base of everything that travels through the event queue."""

from __future__ import annotations


class Event:
    """Something that happened; handlers select events by class or by `name`."""

    name = "launch.Event"
