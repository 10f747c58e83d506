"""Where a launch description comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from launch.launch_context import LaunchContext
from launch.launch_description import LaunchDescription
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitutions.substitution_failure import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext as _Context


class LaunchDescriptionSource:
    """Gives a description: a ready one, or one that a subclass loads from `location`."""

    def __init__(
        self,
        launch_description: LaunchDescription | None = None,
        location: SomeSubstitutionsType = "<string>",
        method: str = "unspecified mechanism from a script",
    ) -> None:
        """Keep the description or the place to load it from."""
        self._description = launch_description
        self._location = normalize_to_list_of_substitutions(location)
        self._expanded: str | None = None
        self.method = method

    @property
    def location(self) -> str:
        """Path of the file once known, else a description of it."""
        return self._expanded or " + ".join(part.describe() for part in self._location)

    def get_launch_description(self, context: _Context) -> LaunchDescription:
        """Load (once) and return the description."""
        if self._expanded is None:
            self._expanded = perform_substitutions(context, self._location)
        if self._description is None:
            self._description = self._load(self._expanded)
        return self._description

    def try_get_launch_description_without_context(self) -> LaunchDescription | None:
        """The description if its path depends on nothing given at launch; else None."""
        if self._description is not None:
            return self._description
        try:
            path = perform_substitutions(LaunchContext(), self._location)
        except SubstitutionFailure:
            return None
        return self._load(path)

    def _load(self, path: str) -> LaunchDescription:
        raise NotImplementedError(
            f"{type(self).__name__} cannot load '{path}': it was made without a launch description"
        )
