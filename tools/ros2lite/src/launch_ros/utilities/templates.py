"""Fill `$(...)` in parameter files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from launch.substitution import Substitution
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, ThisLaunchFile, ThisLaunchFileDir
from ros2lite.errors import MissingFeatureError

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_PLACE = re.compile(r"\$\(([\w-]+)((?:\s+[^()]*)?)\)")


def _share(name: str) -> Substitution:
    from launch_ros.substitutions import FindPackageShare

    return FindPackageShare(name)


_MAKERS: dict[str, Callable[..., Substitution]] = {
    "var": lambda name, default=None: LaunchConfiguration(name, default=default),
    "env": lambda name, default=None: EnvironmentVariable(name, default_value=default),
    "find-pkg-share": _share,
    "dirname": ThisLaunchFileDir,
    "filename": ThisLaunchFile,
}


def fill(context: LaunchContext, text: str) -> str:
    """Replace each `$(kind arguments)` by its value.

    Raises:
        MissingFeatureError: a kind that is not covered, or too many arguments for it.
        SubstitutionFailure: no value.
    """

    def value(place: re.Match[str]) -> str:
        kind, arguments = place.group(1), shlex.split(place.group(2))
        if kind not in _MAKERS:
            raise MissingFeatureError(f"substitution $({kind} ...)", f"covered: {', '.join(_MAKERS)}")
        try:
            return _MAKERS[kind](*arguments).perform(context)
        except TypeError as error:
            raise MissingFeatureError(f"substitution '{place.group(0)}'", str(error)) from error

    return _PLACE.sub(value, text)
