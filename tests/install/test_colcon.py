from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

MODES = pytest.mark.parametrize("options", [(), ("--symlink-install",)], ids=["copied", "symlinked"])


@pytest.fixture
def build(source, environment, run):
    def build(*options: str) -> Path:
        workspace = source.parents[1]
        run(sys.executable, "-m", "colcon", "build", *options, env=environment, cwd=workspace)
        return workspace / "install"

    return build


def sourced(install: Path, env: dict[str, str], run) -> dict[str, str]:
    """The variables of a shell that has sourced the workspace."""
    listing = run("sh", "-c", ". ./setup.sh >&2 && env -0", env=env, cwd=install)
    return dict(line.split("=", 1) for line in listing.split("\0") if "=" in line)


@MODES
def test_colcon_installs_all_that_ros2_run_and_launch_look_for(build, environment, run, expect_complete, options):
    install = build(*options)
    expect_complete(install / "vlmrl_ros", sourced(install, environment, run))


@MODES
def test_the_linked_folders_are_packages_under_one_name(build, environment, run, tmp_path, options):
    env = sourced(build(*options), environment, run)
    for part in ("policies", "sim", "teleop"):
        script = f"import vlmrl_ros.{part} as part; print(part.__file__)"
        file = Path(run(sys.executable, "-c", script, env=env, cwd=tmp_path).strip())
        assert file.is_relative_to(tmp_path)


def test_a_symlinked_launch_file_is_the_one_in_the_sources(build, source):
    shared = build("--symlink-install") / "vlmrl_ros/share/vlmrl_ros/package.xml"
    assert os.path.samefile(shared, source / "package.xml")


@MODES
def test_colcon_writes_nothing_among_the_sources(build, source, options):
    before = sorted(source.rglob("*"))
    build(*options)
    assert [path for path in sorted(source.rglob("*")) if "__pycache__" not in path.parts] == before
