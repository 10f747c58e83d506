"""`ros2 pkg`: what is installed."""

from __future__ import annotations

import argparse

from ros2lite import packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    verbs = parser.add_subparsers(metavar="verb", required=True)
    verbs.add_parser("list", help="names of all packages").set_defaults(main=_list)
    prefix = verbs.add_parser("prefix", help="prefix of a package")
    prefix.add_argument("package_name", help="name of the package")
    prefix.add_argument("--share", action="store_true", help="its share folder instead")
    prefix.set_defaults(main=_prefix)
    executables = verbs.add_parser("executables", help="executables of a package, or of all")
    executables.add_argument("package_name", nargs="?", help="name of the package")
    executables.add_argument("--full-path", action="store_true", help="whole paths")
    executables.set_defaults(main=_executables)


def _list(arguments: argparse.Namespace) -> None:
    for name in sorted(packages.package_prefixes()):
        print(name)


def _prefix(arguments: argparse.Namespace) -> None:
    find = packages.package_share if arguments.share else packages.package_prefix
    print(find(arguments.package_name))


def _executables(arguments: argparse.Namespace) -> None:
    names = [arguments.package_name] if arguments.package_name else sorted(packages.package_prefixes())
    for name in names:
        for path in packages.executables(name):
            print(path if arguments.full_path else f"{name} {path.name}")
