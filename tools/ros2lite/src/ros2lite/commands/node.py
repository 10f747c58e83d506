"""`ros2 node`: which nodes run, and what they offer."""

from __future__ import annotations

import argparse

from ros2lite.ros import add_discovery_argument, is_hidden, observer

_SECTIONS = {
    "Subscribers": "get_subscriber_names_and_types_by_node",
    "Publishers": "get_publisher_names_and_types_by_node",
    "Service Servers": "get_service_names_and_types_by_node",
    "Service Clients": "get_client_names_and_types_by_node",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    verbs = parser.add_subparsers(metavar="verb", required=True)
    listing = verbs.add_parser("list", help="names of the nodes")
    listing.add_argument("-a", "--all", action="store_true", help="hidden ones too")
    listing.add_argument("-c", "--count-nodes", action="store_true", help="only their number")
    listing.set_defaults(main=_list)
    info = verbs.add_parser("info", help="topics and services of a node")
    info.add_argument("node_name", help="full name of the node")
    info.add_argument("--include-hidden", action="store_true", help="hidden topics and services too")
    info.set_defaults(main=_info)
    for verb in (listing, info):
        add_discovery_argument(verb)


def _list(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        ros.settle()
        names = ros.nodes(hidden=arguments.all)
    print(len(names) if arguments.count_nodes else "\n".join(names), end="\n" if names else "")


def _info(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        full = ros.require_node(arguments.node_name)
        ros.settle()
        namespace, _, name = full.rpartition("/")
        print(full)
        for title, method in _SECTIONS.items():
            print(f"  {title}:")
            for entry, types in sorted(getattr(ros.node, method)(name, namespace or "/")):
                if arguments.include_hidden or not is_hidden(entry):
                    print(f"    {entry}: {', '.join(types)}")
