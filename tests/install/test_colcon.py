from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Build:
    """What `colcon build` made, and the variables of a shell that has sourced it."""

    prefix: Path
    linked: bool
    env: dict[str, str]
    sources_before: list[Path]
    sources_after: list[Path]


@pytest.fixture(scope="module", params=[False, True], ids=["copied", "symlinked"])
def build(request, source, workspace, environment, run):
    bases = [f"--{name}-base={workspace / f'{name}-{request.param}'}" for name in ("build", "install")]
    options = ["--symlink-install"] if request.param else []
    before = listing(source)
    run(sys.executable, "-m", "colcon", "build", *bases, *options, env=environment, cwd=workspace)
    install = workspace / f"install-{request.param}"
    variables = run("sh", "-c", ". ./setup.sh >&2 && env -0", env=environment, cwd=install)
    env = dict(line.split("=", 1) for line in variables.split("\0") if "=" in line)
    return Build(install / "vlmrl_ros", request.param, env, before, listing(source))


def listing(source: Path) -> list[Path]:
    return sorted(path for path in source.rglob("*") if "__pycache__" not in path.parts)


def test_colcon_installs_all_that_ros2_run_and_launch_look_for(build, expect_complete):
    expect_complete(build.prefix, build.env)


def test_the_linked_folders_are_packages_under_one_name(build, workspace, expect_linked_packages):
    expect_linked_packages(sys.executable, build.env, workspace)


def test_with_symlink_install_the_installed_launch_file_is_the_one_in_the_sources(build, source):
    name = "launch/sim_train.launch.py"
    assert os.path.samefile(build.prefix / "share/vlmrl_ros" / name, source / name) == build.linked


def test_colcon_writes_nothing_among_the_sources(build):
    assert build.sources_after == build.sources_before
