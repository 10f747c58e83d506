from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from launch import LaunchContext
from launch.utilities import expand

from vlmrl_ros.bridge.arguments import COMMON, Arguments, declare
from vlmrl_ros.bridge.launching import managed
from vlmrl_ros.bridge.security import keystore, middleware
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.nodes.keystore import enclaves

pytest.importorskip("cryptography")

MANAGER, TELEOP = "/lifecycle_manager", "/teleop"


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("security") / "keys"
    keystore.create(path, {name: grant for name, grant in enclaves("", [], 1).items() if name in (MANAGER, TELEOP)}, 0)
    return path


@pytest.fixture(scope="module")
def insecure(store) -> str:
    """Why this machine has no security, in the words of its middleware; the wheels have none."""
    _, why = middleware._probe(store, TELEOP)
    if not why:
        pytest.skip("this middleware enforces security")
    return why


def arguments(**given: str) -> Arguments:
    context = LaunchContext()
    context.launch_configurations.update(given)
    for action in declare(COMMON):
        action.visit(context)
    return Arguments(context)


def test_a_middleware_without_security_is_refused_in_its_own_words(store, insecure):
    with pytest.raises(ConfigError, match="on this machine has no security") as refused:
        middleware.require(store, [TELEOP])
    assert insecure in str(refused.value)
    assert "nothing was started" in str(refused.value)


def test_a_middleware_that_is_not_known_to_enforce_is_refused(store, monkeypatch):
    monkeypatch.setattr(middleware, "ENFORCING", ("rmw_of_tomorrow",))
    with pytest.raises(ConfigError, match="is not known to enforce SROS 2"):
        middleware.require(store, [TELEOP])


def test_a_launch_that_shall_be_secure_starts_nothing_open(store, insecure):
    with pytest.raises(ConfigError, match="nothing was started"):
        managed(arguments(secure="true", keystore=str(store)), [("teleop", {})])


def test_a_node_without_keys_is_named_before_anything_starts(store):
    with pytest.raises(ConfigError, match=r"no whole enclave /sim_bridge \(it lacks .*key.pem"):
        managed(arguments(secure="true", keystore=str(store)), [("sim_bridge", {})])


def test_a_launch_without_a_keystore_says_how_to_make_one(monkeypatch):
    monkeypatch.delenv(middleware.KEYSTORE_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="make one with: ros2 run vlmrl_ros keystore"):
        managed(arguments(secure="true"), [("teleop", {})])


def test_where_security_is_enforced_each_node_runs_in_its_own_enclave(store, monkeypatch):
    monkeypatch.setattr(middleware, "require", lambda *_: None)  # what this machine may lack
    *variables, teleop, manager = managed(arguments(secure="true", keystore=str(store)), [("teleop", {})])
    assert len(variables) == len(middleware.environment(store))
    for action, enclave in ((teleop, TELEOP), (manager, MANAGER)):
        words = [expand(LaunchContext(), part) for part in action.cmd]
        assert words[words.index("--enclave") + 1] == enclave


def test_the_launcher_ends_with_the_refusal(store, insecure):
    command = [
        "ros2",
        "launch",
        "vlmrl_ros",
        "teleop.launch.py",
        "operator:=joy",
        "secure:=true",
        f"keystore:={store}",
    ]
    env = {k: v for k, v in os.environ.items() if k != middleware.KEYSTORE_VARIABLE}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
    assert done.returncode != 0
    assert "sim_bridge" in done.stdout + done.stderr  # its enclave is missing, and that is said first
    assert "process started" not in done.stdout + done.stderr
