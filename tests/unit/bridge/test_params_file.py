from __future__ import annotations

import re

import pytest

from vlmrl_ros.bridge.params_file import unused
from vlmrl_ros.core.errors import ConfigError, UnknownNameError

NODES = {"/lab/learner": "learner", "/lab/arm_0/sim_bridge": "sim_bridge", "/lab/arm_1/sim_bridge": "sim_bridge"}
SEED = "{ros__parameters: {seed: 3}}"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "# nothing yet",
        f"/**: {SEED}",
        f"/**/learner: {SEED}",
        f"/lab/learner: {SEED}",
        f"/lab/*/sim_bridge: {SEED}",
        f"lab:\n  arm_1:\n    sim_bridge: {SEED}",
        "/**/learner:\n  ros__parameters:\n    rlif: {critics: 4}",
    ],
)
def test_sections_for_nodes_that_are_launched_are_used(file, text):
    file.write_text(text)
    assert unused(str(file), NODES) == []


def test_sections_for_other_nodes_of_the_package_are_named_because_a_file_may_serve_several_launch_files(file):
    file.write_text(f"/**/learner: {SEED}\n/**/recorder: {SEED}\n/lab/sim_bridge: {SEED}\nlearner: {SEED}")
    assert unused(str(file), NODES) == ["/**/recorder", "/lab/sim_bridge", "/learner"]


@pytest.mark.parametrize("name", ["/**/lerner", "lab/lerner", "/*/lerner"])
def test_a_section_for_no_node_is_refused_and_names_like_it_come_first(file, name):
    file.write_text(f"/**: {SEED}\n{name}: {SEED}")
    line = f"unknown node in params_file '{file}' '/{name.lstrip('/')}'; valid: /**/learner, /**, /**/sim_bridge"
    with pytest.raises(UnknownNameError, match=f"^{re.escape(line)}$"):
        unused(str(file), NODES)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/**/learner:\n  ros__parameters:\n    a: [1\n", "cannot be read: Error parsing a event near line 3"),
        ("/**/learner:\n  seed: 3", "cannot be read: Cannot have a value before ros__parameters at line 2"),
        ("/**/learner:\n  ros__parameters:\n    a: [1, x]", "cannot be read: Sequence should be of same type. Value"),
        ("learner", "is 'learner'; valid: names of nodes, and below each ros__parameters"),
        (None, "is no file; valid: a YAML file of parameters"),
    ],
)
def test_what_no_node_could_read_is_refused_in_one_line(file, text, line):
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=rf"^params_file '{file}' {re.escape(line)}.*$") as error:
        unused(str(file), NODES)
    assert "\n" not in str(error.value)
    assert ".c:" not in str(error.value)
