"""Parameters of nodes: what a launch file gives, and what the node gets."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from launch import LaunchContext
from launch.substitutions import LaunchConfiguration
from launch_ros.descriptions import Parameter, ParameterFile, ParameterValue
from launch_ros.utilities import make_namespace_absolute, prefix_namespace
from launch_ros.utilities.namespaces import validate_namespace, validate_node_name
from launch_ros.utilities.parameters import evaluate_parameters, normalize_parameters, parameter_text
from ros2lite.errors import Ros2LiteError


@pytest.fixture
def context() -> LaunchContext:
    made = LaunchContext()
    made.launch_configurations.update(rate="20", ratio="0.5", on="true", name="panda", digits="'007'", items="[1, 2]")
    yield made
    made.cleanup.close()


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (1, 1),
        (0.5, 0.5),
        (True, True),
        ("text", "text"),
        ("1", "1"),
        ([1, 2], [1, 2]),
        ([1, 2.5], [1.0, 2.5]),
        (("a", "1"), ["a", "1"]),
        ([True, False], [True, False]),
        (LaunchConfiguration("rate"), 20),
        (LaunchConfiguration("ratio"), 0.5),
        (LaunchConfiguration("on"), True),
        (LaunchConfiguration("name"), "panda"),
        (LaunchConfiguration("digits"), "007"),
        (LaunchConfiguration("items"), [1, 2]),
        ([LaunchConfiguration("name"), "_arm"], "panda_arm"),
        ([1, LaunchConfiguration("rate")], [1, 20]),
        (ParameterValue(LaunchConfiguration("rate"), value_type=str), "20"),
        (ParameterValue(LaunchConfiguration("rate"), value_type=float), 20.0),
        (ParameterValue([1, 2], value_type=list[float]), [1.0, 2.0]),
        (ParameterValue(LaunchConfiguration("items"), value_type=list[int]), [1, 2]),
    ],
)
def test_a_parameter_is_evaluated_to(given: object, value: object, context: LaunchContext) -> None:
    (found,) = evaluate_parameters(context, normalize_parameters([{"p": given}]))
    assert found == {"p": value}
    assert type(found["p"]) is type(value)


def test_nested_dicts_become_dotted_names(context: LaunchContext) -> None:
    given = [{"arm": {"left": {"gain": 1.0}, LaunchConfiguration("name"): 2}}]
    assert evaluate_parameters(context, normalize_parameters(given)) == [{"arm.left.gain": 1.0, "arm.panda": 2}]


def test_parameters_keep_their_order_and_kind(context: LaunchContext, tmp_path: Path) -> None:
    given = [tmp_path / "a.yaml", {"p": 1}, Parameter("q", LaunchConfiguration("rate")), "/etc/b.yaml"]
    found = evaluate_parameters(context, normalize_parameters(given))
    assert found == [tmp_path / "a.yaml", {"p": 1}, ("q", 20), Path("/etc/b.yaml")]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"p": 1}, "expected a list of dicts"),
        ([{"p": None}], "parameter 'p' is None of type NoneType, expected bool"),
        ([{"a": {"p": [[1]]}}], r"parameter 'p' is \[\[1\]\]"),
        ([{"p": object}], "expected bool, int, float, str"),
    ],
)
def test_a_value_no_parameter_can_have_is_refused_at_once(given: object, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        normalize_parameters(given)


def test_a_list_of_mixed_types_is_refused_with_its_name(context: LaunchContext) -> None:
    with pytest.raises(Ros2LiteError, match=r"parameter 'a.p': .* mixes int, str"):
        evaluate_parameters(context, normalize_parameters([{"a": {"p": [1, "x"]}}]))


def test_a_value_of_the_wrong_wanted_type_is_refused(context: LaunchContext) -> None:
    with pytest.raises(TypeError, match="'x' is of type str, expected int"):
        ParameterValue("x", value_type=int)
    with pytest.raises(ValueError, match="panda"):
        ParameterValue(LaunchConfiguration("name"), value_type=int).evaluate(context)


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (1, "1"), ("a b", "a b"), ("1", "'1'"), ([1.0, 2.0], "[1.0, 2.0]")]
)
def test_a_value_is_written_for_the_command_line_so_that_it_keeps_its_type(value: object, text: str) -> None:
    assert parameter_text(value) == text
    assert yaml.safe_load(text) == value


def test_a_parameter_file_is_filled_in_and_removed_with_the_launch(context: LaunchContext, tmp_path: Path) -> None:
    source = tmp_path / "p.yaml"
    source.write_text("/**: {ros__parameters: {name: $(var name), a: $(var missing 3), b: $(env NO_SUCH_VARIABLE x)}}")
    filled = ParameterFile(source, allow_substs=True).evaluate(context)
    values = {"name": "panda", "a": 3, "b": "x"}
    assert yaml.safe_load(filled.read_text()) == {"/**": {"ros__parameters": values}}
    context.cleanup.close()
    assert not filled.exists()


def test_a_parameter_file_is_left_as_it_is_unless_asked(context: LaunchContext, tmp_path: Path) -> None:
    assert ParameterFile(tmp_path / "p.yaml").evaluate(context) == tmp_path / "p.yaml"


def test_an_unknown_placeholder_names_those_that_are_covered(context: LaunchContext, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("a: $(eval 1)")
    with pytest.raises(Ros2LiteError, match=r"\$\(eval ...\) is not covered by ros2lite \(covered: var, env"):
        ParameterFile(tmp_path / "p.yaml", allow_substs=True).evaluate(context)


@pytest.mark.parametrize(
    ("base", "namespace", "expected"),
    [
        (None, None, None),
        (None, "arm", "/arm"),
        ("/lab", None, "/lab"),
        ("/lab", "arm", "/lab/arm"),
        ("/", "arm", "/arm"),
        ("/lab", "/arm", "/arm"),
        ("/lab", "arm/", "/lab/arm"),
        (None, "/", "/"),
    ],
)
def test_a_namespace_goes_into_the_one_around_it(base: str | None, namespace: str | None, expected: str | None) -> None:
    assert make_namespace_absolute(prefix_namespace(base, namespace)) == expected


@pytest.mark.parametrize("namespace", ["/a//b", "/1a", "/a-b", "a"])
def test_a_namespace_that_ros_would_refuse_is_refused(namespace: str) -> None:
    with pytest.raises(Ros2LiteError, match="not valid"):
        validate_namespace(namespace)


@pytest.mark.parametrize("name", ["", "a/b", "1a", "a b"])
def test_a_node_name_that_ros_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(Ros2LiteError, match="not valid"):
        validate_node_name(name)
