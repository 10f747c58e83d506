"""Messages on the wire."""

from __future__ import annotations

from rclpy.serialization import deserialize_message, serialize_message


def sent(message):
    """The message after the way over the wire."""
    return deserialize_message(serialize_message(message), type(message))
