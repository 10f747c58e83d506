"""Find packages, executables and launch files through the ament index, as installed by pip or by colcon."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from ros2lite.errors import Ros2LiteError, UnknownNameError

PREFIX_VARIABLE = "AMENT_PREFIX_PATH"
_INDEX = Path("share", "ament_index", "resource_index", "packages")
LAUNCH_SUFFIX = "launch.py"


def export_prefixes() -> None:
    """Put `sys.prefix` at the end of AMENT_PREFIX_PATH, for this process and all its children."""
    os.environ[PREFIX_VARIABLE] = os.pathsep.join(str(prefix) for prefix in prefixes())


def prefixes() -> list[Path]:
    """Prefixes in search order: AMENT_PREFIX_PATH, then `sys.prefix`."""
    listed = [entry for entry in os.environ.get(PREFIX_VARIABLE, "").split(os.pathsep) if entry]
    return [Path(entry) for entry in dict.fromkeys([*listed, sys.prefix])]


def package_prefixes() -> dict[str, Path]:
    """Every package and the first prefix that holds it."""
    found: dict[str, Path] = {}
    for prefix in prefixes():
        index = prefix / _INDEX
        for marker in sorted(index.iterdir()) if index.is_dir() else []:
            found.setdefault(marker.name, prefix)
    return found


def package_prefix(package: str) -> Path:
    """Prefix of one package.

    Raises:
        UnknownNameError: no prefix holds it.
    """
    for prefix in prefixes():
        if package and (prefix / _INDEX / package).is_file():
            return prefix
    raise UnknownNameError("package", package, package_prefixes())


def package_share(package: str) -> Path:
    """`<prefix>/share/<package>`."""
    return package_prefix(package) / "share" / package


def executables(package: str) -> list[Path]:
    """Executable files below `<prefix>/lib/<package>`, sorted."""
    folder = package_prefix(package) / "lib" / package
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if os.access(path, os.X_OK))


def executable(package: str, name: str) -> Path:
    """Path of one executable.

    Raises:
        UnknownNameError: unknown package or executable.
        Ros2LiteError: the name is there more than once.
    """
    _require(package, lambda prefix, known: (prefix / "lib" / known).is_dir())
    known = executables(package)
    return _the_only(name, [path for path in known if path.name == name], "executable", known, package)


def launch_files(package: str) -> list[Path]:
    """Python launch files anywhere below the share folder of a package, sorted."""
    return sorted(path for path in package_share(package).rglob(f"*{LAUNCH_SUFFIX}") if path.is_file())


def launch_file(package: str, name: str) -> Path:
    """Path of the launch file called `name`, whatever its suffix.

    Raises:
        UnknownNameError: unknown package or file.
        Ros2LiteError: the name is there more than once.
    """
    _require(package, lambda prefix, known: any((prefix / "share" / known).rglob(f"*{LAUNCH_SUFFIX}")))
    matches = [path for path in package_share(package).rglob(name) if path.is_file()] if name else []
    return _the_only(name, matches, "launch file", launch_files(package), package)


def _require(package: str, useful: Callable[[Path, str], bool]) -> None:
    """Raise an error that names only the useful packages if this one is unknown."""
    known = package_prefixes()
    if package not in known:
        raise UnknownNameError("package", package, (name for name, prefix in known.items() if useful(prefix, name)))


def _the_only(name: str, matches: list[Path], kind: str, known: list[Path], package: str) -> Path:
    if not matches:
        raise UnknownNameError(kind, name, (path.name for path in known), f"in package '{package}'")
    if len(matches) > 1:
        raise Ros2LiteError(f"{kind} '{name}' is there more than once: {', '.join(map(str, sorted(matches)))}")
    return matches[0]
