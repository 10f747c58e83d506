"""`ros2 lifecycle`: states and transitions of lifecycle nodes."""

from __future__ import annotations

import argparse

from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState

from ros2lite.errors import Ros2LiteError, UnknownNameError
from ros2lite.ros import Observer, absolute, add_discovery_argument, is_hidden, observer

_MARK = "/get_state"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    verbs = parser.add_subparsers(metavar="verb", required=True)
    nodes = verbs.add_parser("nodes", help="names of the lifecycle nodes")
    nodes.add_argument("-a", "--all", action="store_true", help="hidden ones too")
    nodes.add_argument("-c", "--count-nodes", action="store_true", help="only their number")
    nodes.set_defaults(main=_nodes)
    get = verbs.add_parser("get", help="state of a node, or of all")
    get.add_argument("node_name", nargs="?", help="name of the node")
    get.set_defaults(main=_get)
    change = verbs.add_parser("set", help="take a node through a transition")
    change.add_argument("node_name", help="name of the node")
    change.add_argument("transition", help="label or number of the transition, e.g. configure")
    change.set_defaults(main=_set)
    listing = verbs.add_parser("list", help="transitions a node can make now")
    listing.add_argument("node_name", help="name of the node")
    listing.add_argument("-a", "--all", action="store_true", help="all it can ever make")
    listing.set_defaults(main=_list)
    for verb in (nodes, get, change, listing):
        add_discovery_argument(verb)


def _nodes(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        ros.settle()
        names = [name for name in _names(ros) if arguments.all or not is_hidden(name)]
    print(len(names) if arguments.count_nodes else "\n".join(names), end="\n" if names else "")


def _get(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        if arguments.node_name is None:
            ros.settle()
        names = _names(ros) if arguments.node_name is None else [_require(ros, arguments.node_name)]
        for name in names:
            state = ros.call(GetState, name + _MARK, GetState.Request()).current_state
            print(f"{'' if arguments.node_name else f'{name}: '}{state.label} [{state.id}]")


def _set(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        name = _require(ros, arguments.node_name)
        found = {entry.transition.label: entry.transition for entry in _transitions(ros, name)}
        by_number = {str(transition.id): transition for transition in found.values()}
        transition = found.get(arguments.transition) or by_number.get(arguments.transition)
        if transition is None:
            labels = (f"{label} [{entry.id}]" for label, entry in found.items())
            raise UnknownNameError("transition", arguments.transition, labels, f"at '{name}' now")
        request = ChangeState.Request(transition=transition)
        if not ros.call(ChangeState, f"{name}/change_state", request, timeout_s=60.0).success:
            raise Ros2LiteError(f"Transitioning failed: '{transition.label}' of '{name}'")
        print("Transitioning successful")


def _list(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        name = _require(ros, arguments.node_name)
        for entry in _transitions(ros, name, "transition_graph" if arguments.all else "available_transitions"):
            print(f"- {entry.transition.label} [{entry.transition.id}]")
            print(f"\tStart: {entry.start_state.label}\n\tGoal: {entry.goal_state.label}")


def _transitions(ros: Observer, name: str, which: str = "available_transitions") -> list[object]:
    request = GetAvailableTransitions.Request()
    return ros.call(GetAvailableTransitions, f"{name}/get_{which}", request).available_transitions


def _names(ros: Observer) -> list[str]:
    wanted = "lifecycle_msgs/srv/GetState"
    found = (name for name, types in ros.services().items() if name.endswith(_MARK) and wanted in types)
    return sorted(name.removesuffix(_MARK) for name in found)


def _require(ros: Observer, name: str) -> str:
    full = ros.require_node(name)
    if not ros.spin_until(lambda: absolute(full) in _names(ros), 1.0):
        raise UnknownNameError("lifecycle node", full, _names(ros))
    return full
