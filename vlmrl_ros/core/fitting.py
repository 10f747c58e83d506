"""Whether what a policy was trained on is what it is to act in, and if not, what differs."""

from __future__ import annotations

from collections.abc import Sequence

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.spec import TaskSpec

_NAMED = 6
"""So many components are named, and the rest counted."""


def check_fit(checkpoint: object, trained: TaskSpec, spec: TaskSpec) -> None:
    """See that a policy finds the observation and the action of its training.

    Args:
        checkpoint: its directory, for the message.
        trained: what it was trained on.
        spec: what it is to act in.

    Raises:
        CheckpointError: they differ; of one and the same task the message says in what, and which ``observation`` fits.
    """
    pairs = {"observation": (trained.observation.names, spec.observation.names)}
    pairs["action"] = (trained.action.names, spec.action.names)
    wrong = {what: names for what, names in pairs.items() if names[0] != names[1]}
    if not wrong:
        return
    if trained.task != spec.task:
        text = f"checkpoint '{checkpoint}' was trained on '{trained.task}', not on '{spec.task}'"
        raise CheckpointError(f"{text}: {' and '.join(wrong)} differ")
    found = "; ".join(_difference(what, *names) for what, names in wrong.items())
    raise CheckpointError(f"checkpoint '{checkpoint}' does not fit this '{spec.task}': {found}{_remedy(trained, spec)}")


def _difference(what: str, trained: Sequence[str], here: Sequence[str]) -> str:
    lacking = [name for name in trained if name not in here]
    more = [name for name in here if name not in trained]
    if not lacking and not more:
        return f"{what} has another order"
    parts = (f"lacks {_listed(lacking)}" if lacking else "", f"has {_listed(more)} more" if more else "")
    return f"{what} {' and '.join(filter(None, parts))}"


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} others" if rest > 0 else "")


def _remedy(trained: TaskSpec, spec: TaskSpec) -> str:
    """What makes a simulated task with cameras show what it showed in training."""
    if not trained.cameras and not spec.cameras:
        return ""
    whole = set(trained.observation.names) > set(spec.observation.names)
    fits = "state" if not trained.cameras else "both" if whole else "pixels"
    return f"; it was trained with observation:={fits}"
