from __future__ import annotations

import os
import site
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Installation:
    """A new environment that finds what the one that runs the tests has, but not what that has for editing."""

    prefix: Path
    editable: bool
    env: dict[str, str]
    commands_before: list[Path]


@pytest.fixture(scope="module", params=[False, True], ids=["copied", "editable"])
def installation(request, source, workspace, environment, run):
    prefix = workspace / f"venv-{request.param}"
    run(sys.executable, "-m", "venv", "--without-pip", prefix, env=environment, cwd=workspace)
    site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(prefix), "platbase": str(prefix)}))
    (site_packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    commands = sorted((prefix / "bin").iterdir())
    flags = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", *(["--editable"] if request.param else [])]
    run(prefix / "bin/python", "-m", "pip", "install", *flags, source, env=environment, cwd=workspace)
    prefixes = [str(prefix), environment.get("AMENT_PREFIX_PATH", "")]
    env = {**environment, "AMENT_PREFIX_PATH": os.pathsep.join(filter(None, prefixes))}
    return Installation(prefix, request.param, env, commands)


def test_pip_installs_all_that_ros2_run_and_launch_look_for(installation, expect_complete):
    expect_complete(installation.prefix, installation.env)


def test_the_linked_folders_are_packages_under_one_name(installation, source, expect_linked_packages):
    home = source if installation.editable else installation.prefix
    expect_linked_packages(installation.prefix / "bin/python", installation.env, home)


def test_a_launcher_runs_on_the_python_of_its_prefix_without_activation(installation, run):
    bare = {**installation.env, "PATH": "/usr/bin:/bin"}
    launcher = installation.prefix / "lib/vlmrl_ros/lifecycle_manager"
    assert "--ros-args" in run(launcher, "--help", env=bare, cwd=installation.prefix)


def test_pip_leaves_no_common_words_among_the_commands(installation):
    assert sorted((installation.prefix / "bin").iterdir()) == installation.commands_before
