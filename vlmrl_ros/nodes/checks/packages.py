"""Are the Python packages there that the installed version asks for?"""

from __future__ import annotations

import importlib
import platform
import sys
from importlib import metadata

from packaging.requirements import Requirement

from vlmrl_ros.nodes.checks.finding import Finding, failed, ok, warning

PACKAGE = "vlmrl_ros"
IMPORTED = ("cv2", "mujoco", "numpy", "safetensors", "yaml")
"""Packages with compiled parts: a version may fit and the package may not load all the same."""
OPENCV = ("opencv-python", "opencv-contrib-python")


def check() -> list[Finding]:
    """Python, versions, what loads, and packages that do not go together."""
    python = ok("python", f"{platform.python_version()}, {sys.executable}")
    return [python, _versions(), _imports(), _opencv()]


def _versions() -> Finding:
    try:
        required = [Requirement(line) for line in metadata.requires(PACKAGE) or ()]
    except metadata.PackageNotFoundError:
        return warning("versions", f"{PACKAGE} has no metadata for pip", "with colcon, rosdep looks after the versions")
    required = [r for r in required if r.marker is None or r.marker.evaluate({"extra": ""})]
    wrong = []
    for requirement in required:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, valid: {requirement.specifier}")
    if wrong:
        return failed("versions", "; ".join(wrong), "make setup, or pip install -c constraints/numpy2.txt .")
    return ok("versions", f"all {len(required)} requirements are met")


def _imports() -> Finding:
    broken = []
    for name in IMPORTED:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - what does not load says so in any way
            broken.append(f"{name}: {error}")
    if broken:
        return failed("imports", "; ".join(broken)[:300], "apt install libglib2.0-0 for cv2; otherwise make setup")
    return ok("imports", ", ".join(IMPORTED))


def _opencv() -> Finding:
    found = [name for name in (*OPENCV, "opencv-python-headless") if _has(name)]
    if len(found) > 1:
        fix = f"pip uninstall {' '.join(found)}; pip install opencv-python-headless"
        return warning("opencv", f"{' and '.join(found)} overwrite each other", fix)
    return ok("opencv", found[0] if found else "from the system")


def _has(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
