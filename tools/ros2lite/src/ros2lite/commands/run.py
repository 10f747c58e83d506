"""`ros2 run`: become the executable, so that signals and exit code are its own."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil

from ros2lite import packages
from ros2lite.errors import Ros2LiteError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--prefix", default="", help="command put before the executable, e.g. 'gdb -ex run --args'")
    parser.add_argument("package_name", help="name of the package")
    parser.add_argument("executable_name", help="name of the executable")
    parser.add_argument("argv", nargs=argparse.REMAINDER, help="arguments of the executable")
    parser.set_defaults(main=run)


def run(arguments: argparse.Namespace) -> int:
    """Replace this process by the executable.

    Raises:
        Ros2LiteError: unknown package or executable, or it cannot be executed.
    """
    path = packages.executable(arguments.package_name, arguments.executable_name)
    command = [*shlex.split(arguments.prefix), str(path), *arguments.argv]
    program = shutil.which(command[0])
    try:
        os.execv(program or command[0], command)
    except OSError as error:
        raise Ros2LiteError(f"'{command[0]}' cannot be executed: {error.strerror}") from error
