from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import PluginError, UnknownNameError

HEAVY = ("torch", "mujoco", "dm_control", "gymnasium", "pygame", "hid", "rclpy", "matplotlib", "tensorboard", "yaml")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution of one module whose names are plug-ins."""

    def make(group: str, module: str, source: str, names: list[str]) -> None:
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        rows = "".join(f"{name} = {module}:{name}\n" for name in names)
        (info / "entry_points.txt").write_text(f"[vlmrl_ros.{group}]\n{rows}")

    monkeypatch.syspath_prepend(tmp_path)
    return make


def test_the_plug_ins_of_this_package_are_found():
    assert {"rlif", "rlpd", "hg_dagger", "bc"} <= set(registry.names("learners"))
    assert {"reach", "peg_insert", "pick_lift"} <= set(registry.names("tasks"))
    assert list(registry.names("tasks")) == sorted(registry.names("tasks"))


@pytest.mark.parametrize(
    ("group", "kind", "example"),
    [("tasks", "task", "reach"), ("policies", "policy", "gaussian"), ("devices", "device", "joystick")],
)
def test_an_unknown_plug_in_is_named_with_those_that_exist(group, kind, example):
    with pytest.raises(UnknownNameError, match=f"unknown {kind} 'nonsense'; valid: .*{example}"):
        registry.load(group, "nonsense")


def test_an_unknown_group_is_named_with_those_that_exist():
    with pytest.raises(UnknownNameError, match=r"unknown plug-in group 'task'; valid: .*tasks"):
        registry.names("task")


def test_a_plug_in_of_another_distribution_is_found_and_loaded(install):
    install("tasks", "others_tasks", "def fold(options):\n    return 'folded', options\n", ["fold"])
    assert "fold" in registry.names("tasks")
    assert registry.load("tasks", "fold")({"a": 1}) == ("folded", {"a": 1})


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_library_that_is_not_there", "a_library_that_is_not_there"),
        ("something_else = 1", "broken"),
        ("def broken(:", "invalid syntax"),
        ("raise RuntimeError('no licence')", "no licence"),
        ("1 / 0", "division by zero"),
    ],
    ids=["missing dependency", "missing name", "syntax error", "raises", "computes nonsense"],
)
def test_a_broken_plug_in_is_named_with_the_reason_and_those_that_are_registered(install, request, source, reason):
    module = f"broken_{abs(hash(request.node.name))}"
    install("learners", module, source, ["broken"])
    with pytest.raises(PluginError) as error:
        registry.load("learners", "broken")
    message = str(error.value)
    assert "learner plug-in 'broken'" in message.replace("learners", "learner")
    assert module in message
    assert reason in message
    assert f"registered: {', '.join(registry.names('learners'))}" in message


def test_a_broken_plug_in_harms_no_other(install):
    install("learners", "broken_beside", "raise RuntimeError", ["broken"])
    assert registry.load("learners", "bc").config_type.__name__ == "BcConfig"


def test_core_imports_nothing_heavy_and_names_are_listed_without_importing_a_plug_in():
    modules = sorted(path.stem for path in Path(registry.__file__).parent.glob("*.py") if path.stem != "__init__")
    imports = ", ".join(f"vlmrl_ros.core.{name}" for name in modules)
    code = (
        f"import sys, {imports}\n"
        "from vlmrl_ros.core import registry\n"
        "assert all(registry.names(group) is not None for group in registry.GROUPS)\n"
        "own = ('vlmrl_ros.sim', 'vlmrl_ros.policies', 'vlmrl_ros.teleop', 'vlmrl_ros.bridge', 'vlmrl_ros.nodes')\n"
        f"print([name for name in sys.modules if name.split('.')[0] in {HEAVY} or name.startswith(own)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
