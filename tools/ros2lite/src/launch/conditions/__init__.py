"""Conditions on actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from launch.condition import Condition
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import expand, normalize_to_list_of_substitutions
from ros2lite.errors import Ros2LiteError, missing

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

__all__ = [
    "IfCondition",
    "InvalidConditionExpressionError",
    "LaunchConfigurationEquals",
    "LaunchConfigurationNotEquals",
    "UnlessCondition",
    "evaluate_condition_expression",
]

_VALUES = {"true": True, "1": True, "false": False, "0": False}


class InvalidConditionExpressionError(Ros2LiteError, ValueError):
    """The condition's text stands neither for true nor for false."""


def evaluate_condition_expression(context: LaunchContext, expression: SomeSubstitutionsType) -> bool:
    """Compute a condition.

    Raises:
        InvalidConditionExpressionError: the text is none of true, 1, false, 0 (in any case).
    """
    text = expand(context, expression).strip().lower()
    if text not in _VALUES:
        raise InvalidConditionExpressionError(f"condition is '{text}', expected one of {', '.join(_VALUES)}")
    return _VALUES[text]


class IfCondition(Condition):
    """Holds if the expression is true or 1."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        """Evaluate `predicate_expression` each time."""
        self._expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=lambda context: evaluate_condition_expression(context, self._expression))


class UnlessCondition(Condition):
    """Holds if the expression is false or 0."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        """Evaluate `predicate_expression` each time."""
        self._expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=lambda context: not evaluate_condition_expression(context, self._expression))


class LaunchConfigurationEquals(Condition):
    """Holds if the launch configuration has this value; None stands for "not set"."""

    def __init__(self, launch_configuration_name: str, expected_value: SomeSubstitutionsType | None) -> None:
        """Compare the configuration with `expected_value`."""
        self._name = launch_configuration_name
        self._expected = expected_value
        super().__init__(predicate=self._equal)

    def _equal(self, context: LaunchContext) -> bool:
        expected = None if self._expected is None else expand(context, self._expected)
        return context.launch_configurations.get(self._name) == expected


class LaunchConfigurationNotEquals(LaunchConfigurationEquals):
    """Holds if the launch configuration has another value."""

    def _equal(self, context: LaunchContext) -> bool:
        return not super()._equal(context)


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
