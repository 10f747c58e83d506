"""Logic on texts that stand for true and false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions.substitution_failure import SubstitutionFailure
from launch.utilities import expand, normalize_to_list_of_substitutions
from launch.utilities.type_utils import coerce_to_type

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


def truth(context: LaunchContext, value: SomeSubstitutionsType) -> bool:
    """Compute a bool.

    Raises:
        SubstitutionFailure: the text is neither true, false, 1 nor 0.
    """
    try:
        return coerce_to_type(expand(context, value), bool)
    except ValueError as error:
        raise SubstitutionFailure(str(error)) from error


class NotSubstitution(Substitution):
    """`true` if the value is false."""

    def __init__(self, value: SomeSubstitutionsType) -> None:
        """Negate `value`."""
        self.value = normalize_to_list_of_substitutions(value)

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        return str(not truth(context, self.value)).lower()


class AnySubstitution(Substitution):
    """`true` if one of the values is."""

    def __init__(self, *args: SomeSubstitutionsType) -> None:
        """Join `args` by "or"."""
        self.args = [normalize_to_list_of_substitutions(arg) for arg in args]

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        return str(any(truth(context, arg) for arg in self.args)).lower()


class AllSubstitution(Substitution):
    """`true` if all of the values are."""

    def __init__(self, *args: SomeSubstitutionsType) -> None:
        """Join `args` by "and"."""
        self.args = [normalize_to_list_of_substitutions(arg) for arg in args]

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        return str(all(truth(context, arg) for arg in self.args)).lower()


class OrSubstitution(AnySubstitution):
    """`true` if the left or the right value is."""

    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        """Join two values."""
        super().__init__(left, right)


class AndSubstitution(AllSubstitution):
    """`true` if the left and the right value are."""

    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        """Join two values."""
        super().__init__(left, right)


class IfElseSubstitution(Substitution):
    """One of two texts."""

    def __init__(
        self,
        condition: SomeSubstitutionsType,
        if_value: SomeSubstitutionsType = "",
        else_value: SomeSubstitutionsType = "",
    ) -> None:
        """Give `if_value` where the condition is true, else `else_value`."""
        self.condition = normalize_to_list_of_substitutions(condition)
        self.if_value = normalize_to_list_of_substitutions(if_value)
        self.else_value = normalize_to_list_of_substitutions(else_value)

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        return expand(context, self.if_value if truth(context, self.condition) else self.else_value)
