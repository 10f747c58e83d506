"""Takes in what a run is given before its first step; says how much it was, and refuses what is of no use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlmrl_ros.core.errors import BagError, ConfigError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.preload import Preloaded, preload
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.training import Items, as_lived
from vlmrl_ros.nodes.plan import Plan, Ties


def checked_bags(
    demonstrations: Sequence[str], offline: Sequence[str], offline_updates: int, arms: Sequence[str]
) -> tuple[str, ...]:
    """The bags that a learner is given, absolute; see the learner's parameters of these names.

    Raises:
        ConfigError: bags of both kinds, updates from no bags, or a fleet without robots.
        BagError: nothing there.
    """
    if offline and demonstrations:
        given = f"offline is {list(offline)}, which gives all steps, demonstrations among them"
        raise ConfigError(f"{given}; leave out demonstrations {list(demonstrations)}")
    if offline_updates and not offline:
        raise ConfigError(f"offline_updates is {offline_updates}, but offline names no bags to learn from")
    if offline and arms and not offline_updates:
        raise ConfigError(f"offline is {list(offline)}, which goes without a robot; leave out arms {list(arms)}")
    return existing_bags(offline or demonstrations)


def existing_bags(names: Sequence[str]) -> tuple[str, ...]:
    """Bags, run directories or folders of bags, absolute.

    Raises:
        BagError: nothing there.
    """
    paths = [Path(name).expanduser().resolve() for name in names]
    for path in paths:
        if not path.is_dir():
            raise BagError(f"'{path}' is no bag, run directory or folder of bags")
    return tuple(map(str, paths))


def offline_spec(bags: Sequence[str], eval_task: str) -> TaskSpec:
    """The spec of the task that bags are of.

    Raises:
        BagError: no bags, damaged ones, or bags of several tasks.
        ConfigError: what is learned from them would be evaluated in another task.
    """
    from vlmrl_ros.bridge.bags.reader import read_streams  # loads rosbags

    spec = read_streams(bags)[0]
    if eval_task not in ("", spec.task):
        raise ConfigError(f"the bags are of task '{spec.task}', but eval_task is '{eval_task}'; take task:={spec.task}")
    return spec


def take_in(plan: Plan, learner: Learner, ties: Ties, items: Items = as_lived) -> Preloaded:
    """Give the learner what the plan's bags hold, as ``items`` makes it of transitions.

    Raises:
        BagError: a damaged bag; no demonstration in bags of demonstrations; too little to learn from offline.
    """
    if not plan.data:
        return Preloaded()
    found = preload(learner, ties.given(), plan.offline, items)
    bags = ", ".join(f"'{path}'" for path in plan.data)
    others = found.other_transitions
    if plan.offline:
        what = f"{found.demonstration_transitions} transitions of demonstrations and {others} others"
        if not learner.ready:
            raise BagError(
                f"learner '{plan.learner}' cannot begin with what {bags} hold: {what}; give more, and where it needs "
                "a policy's steps (rlif, rlpd, hil_serl) bags of a run, in which a policy acted; or give "
                "demonstrations to a run with a robot, by demonstrations:= instead of offline:="
            )
        ties.say(f"learns offline from {what}")
        return found
    if not found.demonstrations:
        raise BagError(
            f"no demonstration in {bags}: {found.demonstrations_failed} failed, {others} transitions of other episodes;"
            " a demonstration is an episode in which nobody but a person acts, to the end, and that succeeds"
        )
    left_out = f"; {others} transitions of other episodes left out" if others else ""
    ties.say(
        f"{found.demonstrations} demonstrations given, {found.demonstration_transitions} transitions; "
        f"{found.demonstrations_failed} failed ones left out{left_out}"
    )
    return found
