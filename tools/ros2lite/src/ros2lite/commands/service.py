"""`ros2 service`: which services there are, and calls."""

from __future__ import annotations

import argparse

from ros2lite.messages import fill, load_type, parse_values
from ros2lite.ros import absolute, add_discovery_argument, is_hidden, observer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    verbs = parser.add_subparsers(metavar="verb", required=True)
    listing = verbs.add_parser("list", help="names of the services")
    listing.add_argument("-t", "--show-types", action="store_true", help="with their types")
    listing.add_argument("--include-hidden-services", action="store_true", help="hidden ones too")
    listing.set_defaults(main=_list)
    kind = verbs.add_parser("type", help="type of a service")
    kind.set_defaults(main=_type)
    call = verbs.add_parser("call", help="call a service")
    call.set_defaults(main=_call)
    for verb in (kind, call):
        verb.add_argument("service_name", help="name of the service")
    call.add_argument("service_type", help="e.g. std_srvs/srv/Trigger")
    call.add_argument("values", nargs="?", default="{}", help="fields of the request as YAML")
    for verb in (listing, kind, call):
        add_discovery_argument(verb)


def _list(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        ros.settle()
        for name, types in sorted(ros.services().items()):
            if arguments.include_hidden_services or not is_hidden(name):
                print(f"{name} [{', '.join(types)}]" if arguments.show_types else name)


def _type(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        print(ros.require_type("service", arguments.service_name))


def _call(arguments: argparse.Namespace) -> None:
    kind = load_type(arguments.service_type, "srv")
    request = fill(kind.Request(), parse_values(arguments.values))
    with observer(arguments.spin_time) as ros:
        print(f"requester: making request: {request}\n")
        print(f"response:\n{ros.call(kind, absolute(arguments.service_name), request)}\n")
