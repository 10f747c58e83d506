"""Python expressions written in a launch file."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions.substitution_failure import SubstitutionFailure
from launch.utilities import expand, normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class PythonExpression(Substitution):
    """Evaluates an expression; the launch file that holds it is a program and trusted as one."""

    def __init__(self, expression: SomeSubstitutionsType, python_modules: SomeSubstitutionsType = ("math",)) -> None:
        """Evaluate `expression` with `python_modules` imported; the names of `math` need no prefix."""
        self.expression = normalize_to_list_of_substitutions(expression)
        self.python_modules = normalize_to_list_of_substitutions(python_modules)

    def describe(self) -> str:
        """See the base class."""
        return f"PythonExpr({' + '.join(part.describe() for part in self.expression)})"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: names the expression and what Python says of it.
        """
        names: dict[str, object] = {}
        for part in self.python_modules:
            module = importlib.import_module(expand(context, part))
            names.update(vars(module) if module.__name__ == "math" else {})
            names[module.__name__] = module
        text = perform_substitutions(context, self.expression)
        try:
            return str(eval(text, {}, names))  # noqa: S307
        except Exception as error:
            raise SubstitutionFailure(f"expression '{text}' failed: {type(error).__name__}: {error}") from error
