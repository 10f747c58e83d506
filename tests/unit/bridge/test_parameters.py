"""Parameters of real nodes, given on the command line as a user gives them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from vlmrl_ros.bridge.parameters import declare, plugin_options, show_options
from vlmrl_ros.core.config import from_mapping, option, options, to_mapping
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.policies.learners.rlif.config import RlifConfig

Make = Callable[..., Node]


@dataclass(frozen=True)
class Config:
    rate_hz: float = option(10.0, "Control rate.", unit="Hz", low=1.0, high=20.0)
    count: int = option(3, "How many.", low=1, high=9)
    least: float = option(1.0, "Without an upper end.", low=0.0)
    mode: str = option("slow", "How fast.", choices=("slow", "fast"))
    headless: bool = option(True, "Without a window.")
    names: tuple[str, ...] = option((), "Names.")
    sizes: tuple[int, ...] = option((1, 2), "Sizes.", low=1, high=9)


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes nodes with parameters ``name:=value`` in a context of their own, which no other process sees."""
    contexts: list[tuple[rclpy.Context, Node]] = []

    def node(*given: str) -> Node:
        context = rclpy.Context()
        domain = int(os.environ.get("ROS_DOMAIN_ID", "49"))
        rclpy.init(context=context, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        arguments = ["--ros-args", *(part for row in given for part in ("-p", row))]
        made = Node(
            "arm",
            context=context,
            cli_args=arguments,
            automatically_declare_parameters_from_overrides=True,
            enable_rosout=False,
        )
        contexts.append((context, made))
        return made

    yield node
    for context, made in contexts:
        made.destroy_node()
        rclpy.shutdown(context=context)


def value(node: Node, name: str) -> object:
    found = node.get_parameter(name).value
    return list(found) if hasattr(found, "__len__") and not isinstance(found, str) else found


def test_without_overrides_the_defaults_are_in_force_and_shown(make):
    node = make()
    assert declare(node, Config) == Config()
    assert {name: value(node, name) for name in options(Config)} == to_mapping(Config())


def test_given_values_are_in_force_and_shown(make):
    node = make("rate_hz:=12.5", "count:=4", "mode:=fast", "headless:=false", "names:=[a, b]", "sizes:=[7]")
    expected = Config(rate_hz=12.5, count=4, mode="fast", headless=False, names=("a", "b"), sizes=(7,))
    assert declare(node, Config) == expected
    assert {name: value(node, name) for name in options(Config)} == to_mapping(expected)


def test_a_whole_number_stands_for_a_float(make):
    node = make("rate_hz:=5")
    assert declare(node, Config).rate_hz == 5.0
    assert node.get_parameter("rate_hz").type_ == Parameter.Type.DOUBLE


def test_an_unknown_parameter_is_named_with_those_that_exist(make):
    with pytest.raises(UnknownNameError) as error:
        declare(make("ratehz:=5.0"), Config)
    valid = "rate_hz, count, headless, least, mode, names, sizes"
    assert str(error.value) == f"unknown parameter of arm 'ratehz'; valid: {valid}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("count:=2.5", "arm.count must be of type int, got 2.5"),
        ("count:='3'", "arm.count must be of type int, got '3'"),
        ("count:=true", "arm.count must be of type int, got True"),
        ("count:=0", "arm.count is 0; valid: 1 to 9"),
        ("rate_hz:=fast", "arm.rate_hz must be of type float, got 'fast'"),
        ("rate_hz:=20.5", "arm.rate_hz is 20.5; valid: 1 to 20 Hz"),
        ("rate_hz:=.nan", "arm.rate_hz is nan; valid: 1 to 20 Hz"),
        ("least:=.nan", "arm.least is nan; valid: 0 to inf"),
        ("mode:=quick", "arm.mode is 'quick'; valid: slow, fast"),
        ("mode:=1", "arm.mode must be of type str, got 1"),
        ("headless:=1", "arm.headless must be of type bool, got 1"),
        ("sizes:=3", "arm.sizes must be a list, got 3"),
        ("sizes:=[1, 10]", "arm.sizes is 10; valid: 1 to 9"),
        ("sizes:=[1.5]", "arm.sizes must be of type int, got 1.5"),
    ],
)
def test_a_bad_value_is_refused_with_the_valid_ones(make, given, message):
    with pytest.raises(ConfigError) as error:
        declare(make(given), Config)
    assert str(error.value) == message


@pytest.mark.parametrize("given", ["use_sim_time:=true", "rlif.discount:=0.9", "gym.anything:=1", "safety.jerk:=[1.0]"])
def test_parameters_of_ros_and_options_of_plug_ins_pass(make, given):
    assert declare(make(given), Config) == Config()


@pytest.mark.parametrize("given", ["rlif:=1", "safety:=true", "operator:=random"])
def test_the_name_of_a_plug_in_alone_is_no_parameter(make, given):
    with pytest.raises(UnknownNameError, match=f"unknown parameter of arm '{given.partition(':=')[0]}'; valid: count"):
        declare(make(given), Config)


def test_parameters_cannot_be_changed_while_the_node_lives(make):
    node = make("count:=4")
    declare(node, Config)
    (result,) = node.set_parameters([Parameter("count", value=5)])
    assert not result.successful
    assert "read-only" in result.reason
    assert value(node, "count") == 4


def test_a_parameter_says_what_it_is_with_unit_choices_and_range(make):
    node = make()
    declare(node, Config)
    rate, count, mode = (node.describe_parameter(name) for name in ("rate_hz", "count", "mode"))
    assert (rate.description, rate.read_only) == ("Control rate. [Hz]", True)
    assert (rate.floating_point_range[0].from_value, rate.floating_point_range[0].to_value) == (1.0, 20.0)
    assert (count.integer_range[0].from_value, count.integer_range[0].to_value) == (1, 9)
    assert mode.description == "How fast. One of: slow, fast."
    assert all(node.describe_parameter(name).description for name in options(Config))


def test_options_of_a_plug_in_are_those_with_its_prefix(make):
    node = make("rlif.discount:=0.9", "rlif.critics:=4", "reach.horizon:=9", "gym.id:=x", "rlifx.a:=1")
    assert plugin_options(node, "rlif") == {"discount": 0.9, "critics": 4}
    assert plugin_options(node, "gym:FetchReach-v4") == {"id": "x"}
    assert plugin_options(node, "bc") == {}


def test_every_option_in_force_is_shown_read_only(make):
    node = make("rlif.discount:=0.9", "rlif.hidden:=[32]")
    config = from_mapping(RlifConfig, plugin_options(node, "rlif"))
    show_options(node, "rlif", to_mapping(config))
    shown = {name: value(node, f"rlif.{name}") for name in options(RlifConfig)}
    assert shown == to_mapping(config)
    assert (shown["discount"], shown["hidden"]) == (0.9, [32])
    (result,) = node.set_parameters([Parameter("rlif.discount", value=0.5)])
    assert not result.successful


def test_an_option_given_as_a_whole_number_is_shown_as_what_it_means(make):
    node = make("rlif.temperature:=1")
    show_options(node, "rlif", to_mapping(from_mapping(RlifConfig, plugin_options(node, "rlif"))))
    shown = node.get_parameter("rlif.temperature")
    assert (shown.type_, shown.value) == (Parameter.Type.DOUBLE, 1.0)


def test_options_can_be_shown_again_when_a_node_begins_anew(make):
    node = make("rlif.critics:=4")
    for _ in range(2):
        config = from_mapping(RlifConfig, plugin_options(node, "rlif"))
        show_options(node, "rlif", to_mapping(config))
    assert value(node, "rlif.critics") == 4
