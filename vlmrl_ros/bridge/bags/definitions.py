"""What a bag says of its topics beside their messages: definition and hash of the type, offered QoS."""

from __future__ import annotations

import functools
from typing import Any

import yaml
from rclpy.qos import QoSProfile
from rosbags.typesys import Stores, get_typestore

from vlmrl_ros.core.mcap import Topic

QOS = "offered_qos_profiles"
HASH = "topic_type_hash"
_FOREVER = {"sec": 9223372036, "nsec": 854775807}


def describe(name: str, message_type: type[Any], profile: QoSProfile) -> Topic:
    """Describe a topic.

    Args:
        name: of the topic, absolute.
        message_type: class of its messages.
        profile: as its publishers offer it.

    Returns:
        its description; definition and hash are empty for a type that ROS 2 does not bring along.
    """
    type_name = f"{message_type.__module__.split('.')[0]}/msg/{message_type.__name__}"
    definition, digest = _definition(type_name)
    return Topic(name, type_name, definition, {QOS: yaml.safe_dump([_qos(profile)]), HASH: digest})


@functools.cache
def _definition(type_name: str) -> tuple[str, str]:
    store = get_typestore(Stores.LATEST)
    if type_name not in store.types:
        return "", ""
    return store.generate_msgdef(type_name, ros_version=2)[0], store.hash_rihs01(type_name)


def _qos(profile: QoSProfile) -> dict[str, Any]:
    return {
        "history": profile.history.name.lower(),
        "depth": profile.depth,
        "reliability": profile.reliability.name.lower(),
        "durability": profile.durability.name.lower(),
        "deadline": dict(_FOREVER),
        "lifespan": dict(_FOREVER),
        "liveliness": "automatic",
        "liveliness_lease_duration": dict(_FOREVER),
        "avoid_ros_namespace_conventions": False,
    }
