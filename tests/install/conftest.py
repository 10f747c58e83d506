"""A copy of the sources, an environment to install them in, and what every way of installing must bring."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "vlmrl_ros"
BIN = Path(sys.executable).parent

Run = Callable[..., str]
Expect = Callable[[Path, Mapping[str, str]], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.install)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder."""
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def source(workspace: Path) -> Path:
    """A copy of all files that git knows or would take, so that nothing is built in the repository."""
    folder = workspace / "src" / PACKAGE
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(os.path.lexists, (ROOT / name for name in names.split("\0") if name)):
        target = folder / name.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, target, follow_symlinks=False)
    return folder


@pytest.fixture(scope="session")
def executables() -> list[str]:
    """Names that setup.py declares, sorted."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    assignments = [node for node in tree.body if isinstance(node, ast.Assign)]
    return sorted(
        next(ast.literal_eval(node.value) for node in assignments if ast.unparse(node.targets[0]) == "EXECUTABLES")
    )


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment of a shell that knows this Python's tools and ROS 2, and no installed vlmrl_ros."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "PYTEST", "COV_"))}
    prefixes = [prefix for prefix in env.pop("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix != sys.prefix]
    if any(prefixes):
        env["AMENT_PREFIX_PATH"] = os.pathsep.join(prefixes)
    return {**env, "PATH": f"{BIN}{os.pathsep}{env['PATH']}"}


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs a command to its end; a failing one fails the test with all that it printed."""

    def run(*command: str | Path, env: Mapping[str, str], cwd: Path) -> str:
        done = subprocess.run(
            command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    return run


@pytest.fixture
def expect_complete(source: Path, executables: list[str], run: Run, tmp_path: Path) -> Expect:
    """Checks an installation below a prefix that `env` makes known."""

    def expect_complete(prefix: Path, env: Mapping[str, str]) -> None:
        share = prefix / "share"
        assert (share / "ament_index/resource_index/packages" / PACKAGE).is_file()
        assert (share / PACKAGE / "package.xml").read_bytes() == (source / "package.xml").read_bytes()
        for folder, origin in (("launch", "launch/*.launch.py"), ("config", "launch/config/*.*")):
            installed = {path.name: path.read_bytes() for path in (share / PACKAGE / folder).glob("*.*")}
            assert installed == {path.name: path.read_bytes() for path in source.glob(origin)}
        programs = sorted(path.name for path in (prefix / "lib" / PACKAGE).iterdir() if os.access(path, os.X_OK))
        assert programs == executables
        ros2 = shutil.which("ros2", path=env["PATH"])
        usage = run(ros2, "run", PACKAGE, "lifecycle_manager", "--help", env=env, cwd=tmp_path)
        assert "--ros-args" in usage
        arguments = run(ros2, "launch", PACKAGE, "sim_train.launch.py", "--show-args", env=env, cwd=tmp_path)
        assert "'task'" in arguments

    return expect_complete


@pytest.fixture
def expect_linked_packages(run: Run, tmp_path: Path) -> Callable[[str | Path, Mapping[str, str], Path], None]:
    """Checks that the top-level folders are packages below `vlmrl_ros`, whose files lie below `home`."""

    def expect_linked_packages(python: str | Path, env: Mapping[str, str], home: Path) -> None:
        script = "from vlmrl_ros import policies, sim, teleop; print(policies.__file__, sim.__file__, teleop.__file__)"
        files = run(python, "-c", script, env=env, cwd=tmp_path).split()
        assert len(files) == 3
        assert all(Path(file).is_relative_to(home) for file in files)

    return expect_linked_packages
