"""`ros2 topic`: which topics there are, what goes over them, and messages of one's own."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from rclpy.qos import QoSProfile

from ros2lite.errors import Ros2LiteError
from ros2lite.messages import TRUNCATE_AT, fill, load_type, parse_values, to_yaml
from ros2lite.qos import add_qos_arguments, chosen, matching
from ros2lite.rate import RateMeter
from ros2lite.ros import Observer, absolute, add_discovery_argument, is_hidden, observer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    verbs = parser.add_subparsers(metavar="verb", required=True)
    made = {}
    for name, main, text in (
        ("list", _list, "names of the topics"),
        ("info", _info, "type and endpoints of a topic"),
        ("type", _type, "type of a topic"),
        ("echo", _echo, "show messages"),
        ("hz", _hz, "measure the rate"),
        ("pub", _pub, "publish messages"),
    ):
        made[name] = verbs.add_parser(name, help=text)
        made[name].set_defaults(main=main)
        if name != "list":
            made[name].add_argument("topic_name", help="name of the topic")
        add_discovery_argument(made[name])
    made["list"].add_argument("-t", "--show-types", action="store_true", help="with their types")
    made["list"].add_argument("--include-hidden-topics", action="store_true", help="hidden ones too")
    made["info"].add_argument("-v", "--verbose", action="store_true", help="with nodes and quality of service")
    _add_echo_arguments(made["echo"])
    made["hz"].add_argument("-w", "--window", type=int, default=10000, help="messages the rate is taken over")
    _add_pub_arguments(made["pub"])


def _add_echo_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("message_type", nargs="?", help="type of the messages; default: that of the publishers")
    add("--once", action="store_true", help="show one message and end")
    add(
        "--timeout",
        type=float,
        default=None,
        metavar="SECONDS",
        help="end with an error after a time without a message",
    )
    add("--field", default="", help="show a part of the messages, e.g. pose.position")
    add("-f", "--full-length", action="store_true", help="do not cut long texts and arrays")
    add("-l", "--truncate-length", type=int, default=TRUNCATE_AT, help="where to cut them (default: %(default)s)")
    add_qos_arguments(parser)


def _add_pub_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("message_type", help="e.g. std_msgs/msg/String")
    add("values", nargs="?", default="{}", help="fields of the message as YAML")
    add("-r", "--rate", type=float, default=1.0, help="messages per second (default: %(default)s)")
    add("-1", "--once", action="store_true", help="publish one message and end")
    add("-t", "--times", type=int, default=0, help="publish this many messages and end")
    add("-w", "--wait-matching-subscriptions", type=int, default=None, help="wait for this many subscriptions first")
    add("--max-wait-time-secs", type=float, default=None, help="longest wait for them")
    add("--keep-alive", type=float, default=0.1, help="seconds to stay after the last message (default: %(default)s)")
    add_qos_arguments(parser)


def _list(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        ros.settle()
        for name, types in sorted(ros.topics().items()):
            if arguments.include_hidden_topics or not is_hidden(name):
                print(f"{name} [{', '.join(types)}]" if arguments.show_types else name)


def _type(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        print(ros.require_type("topic", arguments.topic_name))


def _info(arguments: argparse.Namespace) -> None:
    with observer(arguments.spin_time) as ros:
        name = absolute(arguments.topic_name)
        kind = ros.require_type("topic", name)
        ros.settle()
        end = "\n\n" if arguments.verbose else "\n"
        print(f"Type: {kind}", end=end)
        for title, infos in (
            ("Publisher count", ros.node.get_publishers_info_by_topic(name)),
            ("Subscription count", ros.node.get_subscriptions_info_by_topic(name)),
        ):
            print(f"{title}: {len(infos)}", end=end)
            for info in infos if arguments.verbose else ():
                print(info, end=end)


def _echo(arguments: argparse.Namespace) -> None:
    limit = None if arguments.full_length else arguments.truncate_length
    seen = 0

    def show(message: Any) -> None:
        nonlocal seen
        if arguments.once and seen:
            return
        seen += 1
        sys.stdout.write(f"{to_yaml(_field(message, arguments.field), limit)}---\n")
        sys.stdout.flush()

    with observer(arguments.spin_time) as ros:
        subscription = _subscribe(ros, arguments, show, lambda ready: chosen(arguments, ready))
        try:
            came = ros.spin_until(lambda: arguments.once and seen > 0, arguments.timeout)
        finally:
            ros.node.destroy_subscription(subscription)
        if not came:
            raise Ros2LiteError(f"no message on '{absolute(arguments.topic_name)}' within {arguments.timeout} s")


def _hz(arguments: argparse.Namespace) -> None:
    meter, last = RateMeter(arguments.window), time.monotonic()

    def report() -> bool:
        nonlocal last
        if time.monotonic() - last >= 1.0:
            last = time.monotonic()
            text = meter.report()
            print(text or "no new messages", flush=True)
        return False

    arguments.message_type = None
    with observer(arguments.spin_time) as ros:
        _subscribe(ros, arguments, lambda message: meter.tick(time.monotonic_ns()), lambda ready: ready)
        ros.spin_until(report)


def _subscribe(ros: Observer, arguments: argparse.Namespace, show: Any, profile: Any) -> Any:
    """Subscribe as its publishers publish; with a type given, a topic without publishers will do."""
    name = absolute(arguments.topic_name)
    if arguments.message_type is None:
        kind = load_type(ros.require_type("topic", name, _wait_s(arguments)))
    else:
        kind = load_type(arguments.message_type)
        ros.spin_until(lambda: ros.node.count_publishers(name) > 0, arguments.spin_time)
    publishers = ros.node.get_publishers_info_by_topic(name)
    return ros.node.create_subscription(kind, name, show, profile(matching(publishers)))


def _wait_s(arguments: argparse.Namespace) -> float:
    return max(arguments.spin_time, getattr(arguments, "timeout", None) or 0.0)


def _field(message: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        known = message.get_fields_and_field_types() if hasattr(message, "get_fields_and_field_types") else {}
        name, _, index = part.partition("[")
        if name not in known:
            raise Ros2LiteError(f"field '{path}' not found at '{part}'; there are: {', '.join(known) or 'none'}")
        message = getattr(message, name)
        message = message[int(index.rstrip("]"))] if index else message
    return message


def _pub(arguments: argparse.Namespace) -> None:
    kind, values = load_type(arguments.message_type), parse_values(arguments.values)
    fill(kind(), values, now=load_type("builtin_interfaces/Time")())
    times = 1 if arguments.once else arguments.times
    wanted = arguments.wait_matching_subscriptions
    wanted = min(times, 1) if wanted is None else wanted
    profile = chosen(arguments, QoSProfile(depth=10))
    with observer(arguments.spin_time) as ros:
        publisher = ros.node.create_publisher(kind, absolute(arguments.topic_name), profile)
        if publisher.get_subscription_count() < wanted:
            print(f"Waiting for at least {wanted} matching subscription(s)...", flush=True)
        if not ros.spin_until(lambda: publisher.get_subscription_count() >= wanted, arguments.max_wait_time_secs):
            found = publisher.get_subscription_count()
            raise Ros2LiteError(f"expected {wanted} subscriptions within {arguments.max_wait_time_secs} s, got {found}")
        print("publisher: beginning loop", flush=True)
        count = 0
        while times == 0 or count < times:
            count += 1
            message = fill(kind(), values, now=ros.node.get_clock().now().to_msg())
            publisher.publish(message)
            print(f"publishing #{count}: {message}\n", flush=True)
            if count != times:
                ros.spin_until(lambda: False, 1.0 / arguments.rate)
        ros.spin_until(lambda: False, arguments.keep_alive)
        ros.node.destroy_publisher(publisher)
