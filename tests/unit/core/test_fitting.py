from __future__ import annotations

from dataclasses import replace

import pytest

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.fitting import check_fit
from vlmrl_ros.sim.load import build


@pytest.fixture(scope="module")
def specs():
    """Of ``peg_insert``, by what it shows."""
    tasks = {shown: build("peg_insert", {"observation": shown}) for shown in ("state", "pixels", "both")}
    yield {shown: task.spec for shown, task in tasks.items()}
    for task in tasks.values():
        task.close()


@pytest.mark.parametrize("shown", ["state", "pixels", "both"])
def test_what_it_was_trained_on_fits(specs, shown):
    check_fit("step_1", specs[shown], specs[shown])


@pytest.mark.parametrize(
    ("trained", "here"), [("pixels", "state"), ("state", "pixels"), ("both", "pixels"), ("pixels", "both")]
)
def test_what_differs_is_named_and_the_observation_that_fits(specs, trained, here):
    of_both = {trained: set(specs[trained].observation.names), here: set(specs[here].observation.names)}
    word, more = ("has", here) if of_both[here] > of_both[trained] else ("lacks", trained)
    some = next(name for name in specs[more].observation.names if name not in of_both[trained] & of_both[here])
    line = rf"^checkpoint 'step_1' does not fit this 'peg_insert': observation {word} .*{some}.*; it was trained with"
    with pytest.raises(CheckpointError, match=rf"{line} observation:={trained}$"):
        check_fit("step_1", specs[trained], specs[here])


def test_of_many_components_some_are_named_and_the_rest_is_counted(specs):
    spec = specs["state"]
    names = spec.observation.names
    none = replace(spec, observation=replace(spec.observation, names=tuple(f"other_{i}" for i in range(len(names)))))
    line = rf"observation lacks {', '.join(names[:6])} and {len(names) - 6} others and has other_0, .* others more$"
    with pytest.raises(CheckpointError, match=line):
        check_fit("step_1", spec, none)


def test_of_another_task_only_the_task_is_named(specs):
    other = build("point_maze", {}).spec
    line = r"^checkpoint 'step_1' was trained on 'point_maze', not on 'peg_insert': observation and action differ$"
    with pytest.raises(CheckpointError, match=line):
        check_fit("step_1", other, specs["state"])
