"""The Foxglove layout: every panel is there, and every path leads to what its label says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ament_index_python.packages import get_package_share_directory

from vlmrl_ros.bridge.messages import FEEDBACK_NAMES, INTERVENTION_NAMES
from vlmrl_ros.bridge.security.documents import resolve
from vlmrl_ros.bridge.security.grants import GRANTS, grant_of
from vlmrl_ros.nodes import arm_steps, policy_server, recorder

LAYOUT = Path(get_package_share_directory("vlmrl_ros")) / "config" / "foxglove" / "loop.json"
TABLE = Path(__file__).parents[2] / "docs" / "architecture.md"
VECTORS = {
    "/feedback": FEEDBACK_NAMES,
    "/intervention": INTERVENTION_NAMES,
    "/learner/status": arm_steps.STATUS_NAMES,
    "/policy/status": policy_server.STATUS_NAMES,
    "/recorder/status": recorder.STATUS_NAMES,
}
"""Named vectors whose components are the same for every task."""
NEEDED = (
    "/feedback",
    "/command",
    "/executed",
    "/intervention",
    "/diagnostics",
    "/learner/status",
    "/policy/status",
    "/policy/thought",
)
TOPIC, INDEX = re.compile(r"^(/[\w/]+)(?:\.|$)"), re.compile(r"\.position\[(\d+)\]$")


@pytest.fixture(scope="module")
def layout() -> dict[str, Any]:
    return json.loads(LAYOUT.read_text())


def strings(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for value in node.values() for text in strings(value)]
    if isinstance(node, list):
        return [text for value in node for text in strings(value)]
    return [node] if isinstance(node, str) else []


def topics(layout: dict[str, Any]) -> set[str]:
    found = set()
    for panel, config in layout["configById"].items():
        plain = {key: value for key, value in config.items() if key != "selectedName"}  # the name of a node
        paths = [text for text in strings(plain) if text.startswith("/")]
        assert paths or panel.startswith("Tab!"), panel
        found |= {TOPIC.match(path).group(1) for path in paths}
    return found


def test_every_panel_is_placed_once_and_every_place_has_a_panel(layout):
    tabs = layout["configById"]["Tab!pages"]["tabs"]
    placed = [text for tab in tabs for text in strings(tab["layout"]) if "!" in text]
    assert sorted([*placed, layout["layout"]]) == sorted(layout["configById"])


def test_every_topic_is_in_the_table_of_topics_and_some_node_publishes_it(layout):
    rows = [line.split("|")[1] for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    listed = [name.lstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)]
    patterns = [re.compile(re.sub(r"<\w+>", r"[^/]+", name)) for name in listed]
    said = {resolve(f"/{node}", name) for node in GRANTS for name in grant_of(node).publish}
    said = [re.compile(re.escape(name).replace(r"\*", ".*")) for name in said]
    for topic in topics(layout):
        assert any(pattern.fullmatch(topic[1:]) for pattern in patterns), f"{topic} is not in {TABLE.name}"
        assert any(pattern.fullmatch(topic) for pattern in said), f"nobody publishes {topic}"


def test_what_a_person_needs_to_see_is_there(layout):
    assert set(NEEDED) <= topics(layout)
    assert {f"/observation/{name}/image_raw" for name in ("front", "wrist", "top")} <= topics(layout)
    assert layout["configById"]["DiagnosticStatusPanel!thoughts"]["selectedName"] == "/policy_server"


def test_each_component_is_the_one_that_its_label_names(layout):
    rows = [row for config in layout["configById"].values() for row in config.get("paths", [])]
    checked = 0
    for row in rows:
        names, index = VECTORS.get(TOPIC.match(row["value"]).group(1)), INDEX.search(row["value"])
        if names is not None:
            assert names[int(index.group(1))] == row["label"].split()[-1], row
            checked += 1
    assert checked > 10
    lamps = {panel: config["path"] for panel, config in layout["configById"].items() if "rules" in config}
    for panel, name in (("Indicator!takeover", "active"), ("Indicator!finished", "finished")):
        assert VECTORS[TOPIC.match(lamps[panel]).group(1)][int(INDEX.search(lamps[panel]).group(1))] == name
