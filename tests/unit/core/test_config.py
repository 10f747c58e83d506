from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmrl_ros.core.config import from_mapping, option, options, to_mapping
from vlmrl_ros.core.errors import ConfigError, UnknownNameError


@dataclass(frozen=True)
class Base:
    rate_hz: float = option(10.0, "rate", unit="Hz", low=1.0, high=20.0)
    count: int = option(3, "count", low=1)


@dataclass(frozen=True)
class Sample(Base):
    mode: str = option("slow", "mode", choices=("slow", "fast"))
    bias: float = option(0.0, "bias without limits")
    on: bool = option(True, "switch")
    sizes: tuple[int, ...] = option((128, 128), "sizes", low=1, high=1024)
    limits: tuple[float, ...] = option((), "limits", low=0.0)
    cameras: tuple[str, ...] = option(("front",), "cameras", choices=("front", "wrist"))


def test_what_is_not_given_has_its_default():
    assert from_mapping(Sample, {}) == Sample()
    assert from_mapping(Sample, {"count": 5}) == Sample(count=5)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Sample().count = 4


def test_an_unknown_key_is_named_with_those_that_exist():
    with pytest.raises(UnknownNameError) as error:
        from_mapping(Sample, {"cuont": 5}, "arm")
    assert str(error.value).startswith("unknown arm key 'cuont'; valid: count, bias, cameras")
    assert "rate_hz" in error.value.valid


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("count", 2.0, "int"),
        ("count", "2", "int"),
        ("count", True, "int"),
        ("rate_hz", "fast", "float"),
        ("rate_hz", True, "float"),
        ("rate_hz", None, "float"),
        ("on", 1, "bool"),
        ("on", "true", "bool"),
        ("mode", 3, "str"),
        ("sizes", (64, 2.5), "int"),
        ("limits", ("a",), "float"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name, value, kind):
    with pytest.raises(ConfigError, match=f"arm.{name} must be of type {kind}, got"):
        from_mapping(Sample, {name: value}, "arm")


@pytest.mark.parametrize("value", [64, "64", None])
def test_a_list_must_be_given_as_a_list(value):
    with pytest.raises(ConfigError, match="sizes must be a list, got"):
        from_mapping(Sample, {"sizes": value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rate_hz", 0.5, "arm.rate_hz is 0.5; valid: 1 to 20 Hz"),
        ("rate_hz", 20.001, "arm.rate_hz is 20.001; valid: 1 to 20 Hz"),
        ("count", 0, "arm.count is 0; valid: 1 to inf"),
        ("sizes", (64, 0), "arm.sizes is 0; valid: 1 to 1024"),
        ("limits", (1.0, -0.1), "arm.limits is -0.1; valid: 0 to inf"),
        ("mode", "quick", "arm.mode is 'quick'; valid: slow, fast"),
        ("cameras", ("front", "back"), "arm.cameras is 'back'; valid: front, wrist"),
    ],
)
def test_a_value_out_of_range_is_shown_with_the_range(name, value, message):
    with pytest.raises(ConfigError) as error:
        from_mapping(Sample, {name: value}, "arm")
    assert str(error.value) == message


@pytest.mark.parametrize(("name", "value"), [("rate_hz", 1.0), ("rate_hz", 20.0), ("count", 1), ("sizes", (1, 1024))])
def test_both_ends_of_a_range_are_valid(name, value):
    assert getattr(from_mapping(Sample, {name: value}), name) == value


@pytest.mark.parametrize("name", ["rate_hz", "bias"])
def test_nan_is_refused_with_and_without_limits(name):
    with pytest.raises(ConfigError, match=f"{name} is nan; valid"):
        from_mapping(Sample, {name: math.nan})


def test_nan_is_refused_in_lists():
    with pytest.raises(ConfigError, match="limits is nan"):
        from_mapping(Sample, {"limits": [1.0, math.nan]})


def test_a_whole_number_stands_for_a_float_and_becomes_one():
    config = from_mapping(Sample, {"rate_hz": 5, "limits": [1, 2.5]})
    assert (config.rate_hz, config.limits) == (5.0, (1.0, 2.5))
    assert all(type(value) is float for value in (config.rate_hz, *config.limits))


def test_lists_become_tuples_and_go_back_as_lists():
    config = from_mapping(Sample, {"sizes": [32], "cameras": []})
    assert (config.sizes, config.cameras) == ((32,), ())
    assert to_mapping(config)["sizes"] == [32]


@given(
    rate_hz=st.floats(1.0, 20.0),
    count=st.integers(1, 10**9),
    mode=st.sampled_from(["slow", "fast"]),
    sizes=st.lists(st.integers(1, 1024)),
    on=st.booleans(),
)
def test_every_valid_configuration_survives_the_way_through_plain_values(**values):
    config = from_mapping(Sample, values)
    assert from_mapping(Sample, to_mapping(config)) == config
    assert asdict(config)["rate_hz"] == values["rate_hz"]


def test_options_are_listed_in_order_of_declaration_with_those_of_the_base_first():
    found = options(Sample)
    assert list(found)[:3] == ["rate_hz", "count", "mode"]
    kind, default, about = found["rate_hz"]
    assert (kind, default, about.description, about.unit, about.low) == (float, 10.0, "rate", "Hz", 1.0)
