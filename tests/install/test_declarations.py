from __future__ import annotations

import ast
from importlib.metadata import distribution
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = [row for row in distribution("vlmrl_ros").entry_points if row.group.startswith("vlmrl_ros.")]


def has_main(file: Path) -> bool:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)


def test_every_node_with_a_main_is_an_executable_and_the_other_way_round(executables):
    assert sorted(file.stem for file in (ROOT / "vlmrl_ros/nodes").glob("*.py") if has_main(file)) == executables


@pytest.mark.parametrize("row", PLUGINS, ids=lambda row: f"{row.group}-{row.name}")
def test_every_plug_in_row_names_something_that_loads(row):
    loaded = row.load()
    assert callable(loaded.build if row.group == "vlmrl_ros.text_tasks" else loaded)


def test_package_xml_and_pip_tell_the_same_of_the_package():
    manifest = ElementTree.parse(ROOT / "package.xml").getroot()
    metadata = distribution("vlmrl_ros").metadata
    names = [manifest.findtext(tag) for tag in ("name", "version", "license")]
    assert names == [metadata[key] for key in ("Name", "Version", "License")]
