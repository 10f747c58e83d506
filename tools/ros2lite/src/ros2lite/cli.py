"""`ros2 <command> ...`: each command is a module, loaded only when it is asked for."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from ros2lite.errors import Ros2LiteError
from ros2lite.packages import export_prefixes

COMMANDS = {
    "interface": "show the definition of messages and services",
    "launch": "run a launch file",
    "lifecycle": "states and transitions of lifecycle nodes",
    "node": "nodes that run",
    "param": "parameters of nodes",
    "pkg": "installed packages",
    "run": "run an executable of a package",
    "service": "services that are offered",
    "topic": "topics and their messages",
}
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        Exit code: 0, 1 after an error (one line on stderr), 2 for a wrong command line, or the launched system's own.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    export_prefixes()
    parser = argparse.ArgumentParser(
        prog="ros2", description="ROS 2 command line for ROS 2 from pip wheels (ros2lite)."
    )
    commands = parser.add_subparsers(metavar="command", dest="command", required=True)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"ros2 {name}: {text}.")
        if arguments and arguments[0] == name:
            importlib.import_module(f"ros2lite.commands.{name}").add_arguments(command)
    parsed = parser.parse_args(arguments)
    try:
        return parsed.main(parsed) or 0
    except Ros2LiteError as error:
        sys.stderr.write(f"ros2: error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return 1
