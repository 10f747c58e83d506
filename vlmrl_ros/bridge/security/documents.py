"""The documents of a keystore: a policy for SROS 2, and the governance and permissions of DDS Security (v1.1).

What SROS 2 makes of a policy with its style sheet is written here directly, for machines that have no SROS 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from xml.etree import ElementTree as Xml

from vlmrl_ros.bridge.security.grants import Grant

Enclaves = Mapping[str, Grant]
"""Enclave, which is the full name of a node, to what the node may do."""

POLICY_VERSION = "0.2.0"
QUALIFIERS = {"publish": "topics", "subscribe": "topics", "reply": "services", "request": "services"}
SCHEMA = "http://www.omg.org/spec/DDS-SECURITY/20170901/omg_shared_ca_{}.xsd"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"
GRAPH_TOPIC = "ros_discovery_info"
"""How the nodes of ROS 2 know each other; each participant must be able to say and hear it."""
DOMAIN_RULES = {
    "allow_unauthenticated_participants": "false",
    "enable_join_access_control": "true",
    "discovery_protection_kind": "ENCRYPT",
    "liveliness_protection_kind": "ENCRYPT",
    "rtps_protection_kind": "SIGN",
}
TOPIC_RULES = {
    "topic_expression": "*",
    "enable_discovery_protection": "true",
    "enable_liveliness_protection": "true",
    "enable_read_access_control": "true",
    "enable_write_access_control": "true",
    "metadata_protection_kind": "ENCRYPT",
    "data_protection_kind": "ENCRYPT",
}


def policy(enclaves: Enclaves) -> bytes:
    """The policy file for ``ros2 security generate_artifacts -p``."""
    root = Xml.Element("policy", version=POLICY_VERSION)
    every = Xml.SubElement(root, "enclaves")
    for enclave, grant in enclaves.items():
        space, _, node = enclave.rpartition("/")
        profiles = Xml.SubElement(Xml.SubElement(every, "enclave", path=enclave), "profiles")
        profile = Xml.SubElement(profiles, "profile", ns=space or "/", node=node)
        for qualifier, kind in QUALIFIERS.items():
            names = getattr(grant, qualifier)
            if names:
                listed = Xml.SubElement(profile, kind, {qualifier: "ALLOW"})
                for name in names:
                    Xml.SubElement(listed, kind.removesuffix("s")).text = name
    return _text(root)


def governance(domain_id: int) -> bytes:
    """Everything is authenticated, encrypted and under access control."""
    root = _dds("governance")
    rule = Xml.SubElement(Xml.SubElement(root, "domain_access_rules"), "domain_rule")
    _domains(rule, domain_id)
    for name, value in DOMAIN_RULES.items():
        Xml.SubElement(rule, name).text = value
    topic = Xml.SubElement(Xml.SubElement(rule, "topic_access_rules"), "topic_rule")
    for name, value in TOPIC_RULES.items():
        Xml.SubElement(topic, name).text = value
    return _text(root)


def permissions(enclave: str, grant: Grant, domain_id: int, valid: tuple[datetime, datetime]) -> bytes:
    """What one enclave may do; all else is denied.

    Args:
        enclave: full name of the node; the common name of its certificate.
        grant: what it may do.
        domain_id: the only domain in which it may.
        valid: from when to when, UTC.
    """
    root = _dds("permissions")
    given = Xml.SubElement(Xml.SubElement(root, "permissions"), "grant", name=enclave)
    Xml.SubElement(given, "subject_name").text = f"CN={enclave}"
    validity = Xml.SubElement(given, "validity")
    for name, when in zip(("not_before", "not_after"), valid, strict=True):
        Xml.SubElement(validity, name).text = when.strftime(TIME_FORMAT)
    rule = Xml.SubElement(given, "allow_rule")
    _domains(rule, domain_id)
    for way, topics in dds_topics(enclave, grant).items():
        listed = Xml.SubElement(Xml.SubElement(rule, way), "topics")
        for topic in sorted(topics):
            Xml.SubElement(listed, "topic").text = topic
    Xml.SubElement(given, "default").text = "DENY"
    return _text(root)


def dds_topics(enclave: str, grant: Grant) -> dict[str, set[str]]:
    """The topics of DDS behind the topics and services of ROS 2, for ``publish`` and for ``subscribe``."""

    def full(names: Iterable[str]) -> list[str]:
        return [resolve(enclave, name) for name in names]

    requests = [f"rq{name}Request" for name in full(grant.request)]
    replies = [f"rr{name}Reply" for name in full(grant.request)]
    asked = [f"rq{name}Request" for name in full(grant.reply)]
    answered = [f"rr{name}Reply" for name in full(grant.reply)]
    return {
        "publish": {GRAPH_TOPIC, *(f"rt{name}" for name in full(grant.publish)), *requests, *answered},
        "subscribe": {GRAPH_TOPIC, *(f"rt{name}" for name in full(grant.subscribe)), *replies, *asked},
    }


def resolve(enclave: str, name: str) -> str:
    """The full name of a topic or a service for the node ``enclave``."""
    if name.startswith("/"):
        return name
    if name.startswith("~"):
        return enclave + name[1:]
    return f"{enclave.rpartition('/')[0]}/{name}"


def _dds(kind: str) -> Xml.Element:
    Xml.register_namespace("xsi", INSTANCE)
    return Xml.Element("dds", {f"{{{INSTANCE}}}noNamespaceSchemaLocation": SCHEMA.format(kind)})


def _domains(rule: Xml.Element, domain_id: int) -> None:
    Xml.SubElement(Xml.SubElement(rule, "domains"), "id").text = str(domain_id)


def _text(root: Xml.Element) -> bytes:
    Xml.indent(root)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"
