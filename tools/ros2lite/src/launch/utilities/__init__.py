"""Small helpers that actions and launch files share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launch.launch_description_entity import LaunchDescriptionEntity
from launch.some_entities_type import SomeEntitiesType
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


def normalize_to_list_of_substitutions(subs: SomeSubstitutionsType) -> list[Substitution]:
    """Text, substitution or a list of both as a list of substitutions.

    Raises:
        TypeError: something else is among them.
    """
    from launch.substitutions.text_substitution import TextSubstitution

    if isinstance(subs, str):
        return [TextSubstitution(text=subs)]
    if isinstance(subs, Substitution):
        return [subs]
    if isinstance(subs, Iterable):
        return [part for entry in subs for part in normalize_to_list_of_substitutions(entry)]
    raise TypeError(f"expected a text, a substitution or a list of them, got {subs!r} of type {type(subs).__name__}")


def perform_substitutions(context: LaunchContext, subs: Iterable[Substitution]) -> str:
    """Compute all and join the texts."""
    return "".join(context.perform_substitution(part) for part in subs)


def expand(context: LaunchContext, subs: SomeSubstitutionsType) -> str:
    """Normalise, compute and join."""
    return perform_substitutions(context, normalize_to_list_of_substitutions(subs))


def normalize_to_list_of_entities(entities: SomeEntitiesType) -> list[LaunchDescriptionEntity]:
    """One entity or several as a list."""
    return list(entities) if isinstance(entities, Iterable) else [entities]


def ensure_argument_type(argument: Any, types: Any, argument_name: str, caller: str | None = None) -> None:
    """Raise a TypeError that names argument, caller and types unless `argument` is an instance of one of them."""
    wanted = tuple(types) if isinstance(types, Iterable) else (types,)
    if not isinstance(argument, wanted):
        names = ", ".join(getattr(kind, "__name__", str(kind)) for kind in wanted)
        where = f" of {caller}" if caller else ""
        raise TypeError(
            f"argument '{argument_name}'{where} is {argument!r} of type {type(argument).__name__}, expected {names}"
        )


def is_a(obj: Any, entity_type: type) -> bool:
    """`isinstance` under the name launch files use."""
    return isinstance(obj, entity_type)


def is_a_subclass(obj: Any, entity_type: type) -> bool:
    """True if `obj` is an instance or a subclass of `entity_type`."""
    return issubclass(obj, entity_type) if isinstance(obj, type) else isinstance(obj, entity_type)
