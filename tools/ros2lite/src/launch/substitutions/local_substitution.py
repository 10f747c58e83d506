"""Values of the scope an event opened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from launch.substitution import Substitution
from launch.substitutions.substitution_failure import SubstitutionFailure

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(?:'([^']*)'|\"([^\"]*)\"|(-?\d+))\]")


class LocalSubstitution(Substitution):
    """A local of the context, reached by attributes and items, e.g. `event.returncode` or `args['name']`."""

    def __init__(self, expression: str, description: str | None = None) -> None:
        """Follow `expression`; `description` is shown in its place.

        Raises:
            TypeError: the expression is no text.
        """
        if not isinstance(expression, str):
            raise TypeError(f"LocalSubstitution expects a text, got {expression!r} of type {type(expression).__name__}")
        self.expression = expression
        self.description = description

    def describe(self) -> str:
        """See the base class."""
        return f"LocalVar('{self.description or self.expression}')"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: the expression is malformed or leads nowhere.
        """
        value: Any = context.locals
        position = 0
        while position < len(self.expression):
            step = _STEP.match(self.expression, position)
            if step is None:
                raise SubstitutionFailure(f"local '{self.expression}' is malformed at '{self.expression[position:]}'")
            value = self._follow(value, step)
            position = step.end()
        return str(value)

    def _follow(self, value: Any, step: re.Match[str]) -> Any:
        attribute, single, double, index = step.groups()
        try:
            if attribute is not None:
                return getattr(value, attribute)
            return value[int(index)] if index is not None else value[single if single is not None else double]
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            raise SubstitutionFailure(f"local '{self.expression}' does not exist: {error}") from error
