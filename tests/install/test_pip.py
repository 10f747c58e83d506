from __future__ import annotations

import os
from pathlib import Path

import pytest

MODES = pytest.mark.parametrize("editable", [False, True], ids=["copied", "editable"])
WHERE = "import vlmrl_ros.{0} as part; print(part.__file__)"


@pytest.fixture
def install(source, venv, environment, run):
    def install(editable: bool) -> dict[str, str]:
        flags = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", *(["--editable"] if editable else [])]
        run(venv / "bin/python", "-m", "pip", "install", *flags, source, env=environment, cwd=venv)
        prefixes = [str(venv), environment.get("AMENT_PREFIX_PATH", "")]
        return {**environment, "AMENT_PREFIX_PATH": os.pathsep.join(filter(None, prefixes))}

    return install


@MODES
def test_pip_installs_all_that_ros2_run_and_launch_look_for(install, venv, expect_complete, editable):
    env = install(editable)
    expect_complete(venv, env)


@MODES
def test_the_linked_folders_are_packages_under_one_name(install, source, venv, run, editable):
    env = install(editable)
    for part in ("policies", "sim", "teleop"):
        file = Path(run(venv / "bin/python", "-c", WHERE.format(part), env=env, cwd=venv).strip())
        assert file.is_relative_to(source if editable else venv)


def test_a_launcher_runs_on_the_python_of_its_prefix_without_activation(install, venv, run):
    bare = {**install(False), "PATH": "/usr/bin:/bin"}
    assert "--ros-args" in run(venv / "lib/vlmrl_ros/lifecycle_manager", "--help", env=bare, cwd=venv)


def test_pip_leaves_no_common_words_among_the_commands(install, venv):
    before = set((venv / "bin").iterdir())
    install(False)
    assert set((venv / "bin").iterdir()) == before
