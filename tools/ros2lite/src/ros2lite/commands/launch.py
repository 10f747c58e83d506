"""`ros2 launch`: run a launch file, or show its arguments."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from ros2lite import packages
from ros2lite.errors import Ros2LiteError, UnknownNameError

_BUILT_IN = ("emulate_tty", "launch-prefix", "launch-prefix-filter", "sigkill_timeout", "sigterm_timeout")
_ASSIGN = ":="


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    add = parser.add_argument
    add("-n", "--noninteractive", action="store_true", help="no terminal is associated with the launch")
    add("-d", "--debug", action="store_true", help="more lines, and tracebacks of errors in launch files")
    add("-s", "--show-args", "--show-arguments", action="store_true", help="show the arguments of the launch file")
    add("-a", "--show-all-subprocesses-output", action="store_true", help="show what all processes write")
    add("--launch-prefix", help="command put before all executables")
    add("--launch-prefix-filter", help="regular expression for the executables --launch-prefix is for")
    add("package_name", help="package that holds the launch file, or the path of one")
    add("launch_file_name", nargs="?", help="name of the launch file")
    add("launch_arguments", nargs="*", help="'<name>:=<value>'; of several with one name the last wins")
    parser.set_defaults(main=launch)


def launch(arguments: argparse.Namespace) -> int:
    """Run the launch file, or show its arguments.

    Raises:
        Ros2LiteError: unknown package or file, malformed argument.
    """
    path, given = _what(arguments)
    values = parse_launch_arguments(given)
    if arguments.launch_prefix_filter is not None and arguments.launch_prefix is None:
        raise Ros2LiteError("--launch-prefix-filter needs --launch-prefix")
    for name in ("launch-prefix", "launch-prefix-filter"):
        value = getattr(arguments, name.replace("-", "_"))
        values |= {} if value is None else {name: value}
    if arguments.show_all_subprocesses_output:
        os.environ["OVERRIDE_LAUNCH_PROCESS_OUTPUT"] = "both"
    return _show(path) if arguments.show_args else _run(path, values, arguments)


def parse_launch_arguments(given: list[str]) -> dict[str, str]:
    """`name:=value` texts as a dict.

    Raises:
        Ros2LiteError: one has another form.
    """
    values: dict[str, str] = {}
    for entry in given:
        name, assign, value = entry.partition(_ASSIGN)
        if not name or not assign:
            raise Ros2LiteError(f"malformed launch argument '{entry}', expected '<name>:=<value>'")
        values[name] = value
    return values


def _what(arguments: argparse.Namespace) -> tuple[Path, list[str]]:
    """Path of the launch file, and the launch arguments."""
    first, second, rest = arguments.package_name, arguments.launch_file_name, arguments.launch_arguments
    if Path(first).is_file():
        return Path(first), [*([second] if second else []), *rest]
    if second is None or _ASSIGN in second:
        if first in packages.package_prefixes():
            raise UnknownNameError(
                "launch file", "", (path.name for path in packages.launch_files(first)), f"in package '{first}'"
            )
        raise Ros2LiteError(f"launch file '{first}' not found; expected a path, or a package and a file name")
    return packages.launch_file(first, second), rest


def _run(path: Path, values: dict[str, str], arguments: argparse.Namespace) -> int:
    from launch import LaunchDescription, LaunchService
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import AnyLaunchDescriptionSource

    argv = [f"{name}{_ASSIGN}{shlex.quote(value)}" for name, value in values.items()]
    service = LaunchService(argv=argv, noninteractive=arguments.noninteractive, debug=arguments.debug)
    source = AnyLaunchDescriptionSource(str(path))
    _warn_of_unknown(source.get_launch_description(service.context), values)
    service.include_launch_description(
        LaunchDescription([IncludeLaunchDescription(source, launch_arguments=list(values.items()))])
    )
    return service.run()


def _warn_of_unknown(description: object, values: dict[str, str]) -> None:
    from launch import LaunchDescription
    from launch.logging import get_logger

    assert isinstance(description, LaunchDescription)
    declared = [argument.name for argument in description.get_launch_arguments()]
    for name in sorted(set(values) - {*declared, *_BUILT_IN}):
        get_logger("launch").warning(
            "launch argument '%s' is not declared; declared: %s", name, ", ".join(declared) or "none"
        )


def _show(path: Path) -> int:
    from launch.launch_description_sources import get_launch_description_from_any_launch_file

    declared = get_launch_description_from_any_launch_file(str(path)).get_launch_arguments()
    print("Arguments (pass arguments as '<name>:=<value>'):")
    for argument in declared:
        print(
            f"\n    '{argument.name}':{'*' if argument.conditionally_included else ''}\n        {argument.description}"
        )
        if argument.default_value is not None:
            print(f"        (default: {' + '.join(part.describe() for part in argument.default_value)})")
    if not declared:
        print("\n  No arguments.")
    elif any(argument.conditionally_included for argument in declared):
        print("\n* argument(s) which are only used if specific conditions occur")
    return 0
