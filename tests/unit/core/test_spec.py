from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vlmrl_ros.core.errors import NonFiniteError, RangeError, ShapeError
from vlmrl_ros.core.spec import CameraSpec, ContextSpec, TaskSpec, VectorSpec

INF = np.inf
MIXED = VectorSpec(("x", "angle", "free", "half"), ("m", "rad", "1", "N"), [-0.2, 1.0, -INF, 0.0], [0.2, 5.0, INF, INF])
ACTION = VectorSpec(("dx", "dy"), ("m/s", "m/s"), np.array([-0.1, -0.4]), np.array([0.1, 0.2]))


def task_spec() -> TaskSpec:
    return TaskSpec("toy", MIXED, ACTION, (CameraSpec("wrist", 48, 64), CameraSpec("front", 8, 8)), 0.05, 80)


@st.composite
def bounded_specs(draw):
    size = draw(st.integers(1, 5))
    finite = st.floats(-1e3, 1e3, width=32)
    low = draw(hnp.arrays(np.float32, size, elements=finite))
    span = draw(hnp.arrays(np.float32, size, elements=st.floats(0.0625, 1e3, width=32)))
    return VectorSpec(tuple(f"c{k}" for k in range(size)), ("1",) * size, low, low + span)


@pytest.mark.parametrize(
    ("names", "units", "low", "high"),
    [
        (("a", "b"), ("m",), [0, 0], [1, 1]),
        (("a", "b"), ("m", "m"), [0], [1, 1]),
        (("a", "b"), ("m", "m"), [0, 0], [1, 1, 1]),
        (("a", "a"), ("m", "m"), [0, 0], [1, 1]),
        (("a",), ("m",), [[0]], [[1]]),
    ],
)
def test_a_vector_spec_needs_one_unique_name_unit_and_range_for_each_component(names, units, low, high):
    with pytest.raises(ShapeError, match="one unique name, unit, low and high each"):
        VectorSpec(names, units, np.array(low), np.array(high))


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (np.nan, 1.0), (0.0, np.nan)])
def test_an_empty_range_is_refused(low, high):
    with pytest.raises(ShapeError, match="low must be below high for each of"):
        VectorSpec(("a",), ("m",), np.array([low]), np.array([high]))


def test_bounded_components_are_mapped_to_one_and_the_others_stay_as_they_are():
    np.testing.assert_allclose(MIXED.normalise(np.array([0.2, 1.0, 7.0, 3.0])), [1.0, -1.0, 7.0, 3.0])
    np.testing.assert_allclose(MIXED.normalise(np.array([0.0, 3.0, -7.0, 0.0])), [0.0, 0.0, -7.0, 0.0], atol=1e-7)


def test_what_is_denormalised_is_within_the_bounds():
    np.testing.assert_allclose(MIXED.denormalise(np.array([9.0, -9.0, -9.0, -9.0])), [0.2, 1.0, -9.0, 0.0])


def test_a_batch_is_normalised_row_by_row():
    batch = np.array([[-0.1, 0.2], [0.1, -0.4]])
    normalised = ACTION.normalise(batch)
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised, [[-1, 1], [1, -1]], atol=1e-6)
    np.testing.assert_allclose(ACTION.denormalise(normalised), batch, atol=1e-7)


@given(spec=bounded_specs(), data=st.data())
def test_denormalise_undoes_normalise_within_the_bounds(spec, data):
    share = data.draw(hnp.arrays(np.float64, spec.size, elements=st.floats(0, 1)))
    value = spec.low + share * (spec.high - spec.low)
    normalised = spec.normalise(value)
    slack = 1e-6 * np.maximum(np.abs(spec.low), np.abs(spec.high)) + 1e-6
    assert (np.abs(normalised) <= 1 + slack / (spec.high - spec.low) * 4).all()
    np.testing.assert_array_less(np.abs(spec.denormalise(normalised) - value), slack)


@pytest.mark.parametrize("shape", [(3,), (5,), (4, 1), ()])
def test_a_value_of_another_shape_is_refused_with_the_names_that_are_expected(shape):
    with pytest.raises(ShapeError, match=r"command has shape .*; expected \(4,\) for x, angle, free, half"):
        MIXED.check(np.zeros(shape), "command")


def test_components_that_are_not_finite_are_named():
    with pytest.raises(NonFiniteError) as error:
        MIXED.check(np.array([0.0, np.nan, INF, 0.0]), "observation/state")
    assert str(error.value) == "observation/state is not finite in angle, free"


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_number_too_large_for_float32_is_not_finite():
    with pytest.raises(NonFiniteError, match="in x"):
        MIXED.check(np.array([1e300, 0, 0, 0]), "command")


def test_a_checked_value_is_float32_and_may_lie_out_of_bounds():
    checked = ACTION.check([5, -5], "command")
    assert checked.dtype == np.float32
    np.testing.assert_array_equal(checked, [5, -5])


def test_a_task_spec_survives_json_with_its_infinite_bounds():
    text = task_spec().to_json()
    assert "Infinity" not in text
    read = TaskSpec.from_json(text)
    for mine, theirs in ((read.observation, MIXED), (read.action, ACTION)):
        assert (mine.names, mine.units) == (theirs.names, theirs.units)
        np.testing.assert_array_equal(mine.low, theirs.low)
        np.testing.assert_array_equal(mine.high, theirs.high)
    assert read.cameras == task_spec().cameras
    assert (read.task, read.control_dt_s, read.horizon) == ("toy", 0.05, 80)
    assert read.to_json() == text


@given(spec=bounded_specs())
def test_every_bound_survives_json_to_the_same_bit(spec):
    read = TaskSpec.from_json(TaskSpec("t", spec, spec, (), 0.1, 1).to_json())
    assert read.action.low.tobytes() == spec.low.tobytes()
    assert read.action.high.tobytes() == spec.high.tobytes()


def spoiled(**changes) -> str:
    return json.dumps({**json.loads(task_spec().to_json()), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        spoiled(observation=None),
        spoiled(action={"names": ["a"]}),
        spoiled(action={"names": ["a"], "units": ["m"], "low": [1.0], "high": [0.0]}),
        spoiled(action={"names": ["a"], "units": ["m"], "low": ["x"], "high": [0.0]}),
        spoiled(cameras=[{"name": "wrist"}]),
        spoiled(cameras=7),
        spoiled(control_dt_s="soon"),
        spoiled(horizon=None),
        spoiled(horizon=float("inf")),
    ],
)
def test_text_that_is_no_task_spec_is_refused(text):
    with pytest.raises(ShapeError) as error:
        TaskSpec.from_json(text)
    assert len(str(error.value)) < 400


LONG = "x" * 129
CAMERA = {"name": "wrist", "height": 64, "width": 64}
CONTEXT = {"name": "goal", "unit": "m", "trivial": 0.0, "full": 2.0, "component": ""}
WIDE = {
    "names": [f"n{k}" for k in range(4097)],
    "units": ["m"] * 4097,
    "low": [0.0] * 4097,
    "high": [1.0] * 4097,
}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (spoiled(cameras=[{**CAMERA, "height": 10**9, "width": 10**9}]), "camera of 1000000000 x 1000000000 pixels"),
        (spoiled(cameras=[{**CAMERA, "height": 8192, "width": 8192}]), "camera of 8192 x 8192 pixels"),
        (spoiled(cameras=[{**CAMERA, "height": 0}]), "camera of 0 x 64 pixels"),
        (spoiled(cameras=[{**CAMERA, "height": -64}]), "camera of -64 x 64 pixels"),
        (spoiled(cameras=[{**CAMERA, "name": "../../spec"}]), "camera '../../spec'; valid: a letter"),
        (spoiled(cameras=[{**CAMERA, "name": ""}]), "valid: a letter"),
        (spoiled(cameras=[CAMERA, CAMERA]), "2 cameras; a task has 16 at most, each of another name"),
        (spoiled(cameras=[{**CAMERA, "name": f"c{k}"} for k in range(17)]), "17 cameras"),
        (spoiled(task=LONG), "a name 128 characters"),
        (spoiled(action={"names": [LONG], "units": ["m"], "low": [0.0], "high": [1.0]}), "a name 128 characters"),
        (spoiled(observation=WIDE), "4096 components at most"),
        (spoiled(control_dt_s=0.0), "a control step of 0 s"),
        (spoiled(control_dt_s=-1.0), "a control step of -1 s"),
        (spoiled(control_dt_s=float("nan")), "a control step of nan s"),
        (spoiled(control_dt_s=1e9), "a control step of 1e"),
        (spoiled(horizon=0), "a horizon of 0 steps"),
        (spoiled(horizon=10**30), "a horizon of 1000"),
        (
            spoiled(context={**CONTEXT, "component": "weight"}),
            "context component 'weight'; valid: none, or a component",
        ),
        (spoiled(context={**CONTEXT, "name": LONG}), "context component"),
        (spoiled(context={**CONTEXT, "full": 0.0}), "a context from 0 to 0"),
        (spoiled(context={**CONTEXT, "trivial": float("nan")}), "a context from nan to 2"),
        (" " * 1_000_001, "a task spec of 1000001 characters; the most that is read is 1000000"),
    ],
)
def test_sizes_that_no_task_has_are_refused_before_anybody_allocates_by_them(text, reason):
    with pytest.raises(RangeError, match=reason):
        TaskSpec.from_json(text)


def test_contexts_go_from_easy_to_full_in_equal_steps():
    fast = ContextSpec("speed", "m/s", trivial=0.0, full=4.0)
    assert fast.stages(4) == (1.0, 2.0, 3.0, 4.0)
    narrow = ContextSpec("clearance", "m", trivial=0.010, full=0.002)
    assert narrow.stages(2) == pytest.approx((0.006, 0.002))
    assert narrow.stages(1) == (0.002,)
    assert narrow.check(0.006) == 0.006
    for value in (0.010, 0.011, 0.001):
        with pytest.raises(RangeError, match=r"context clearance is .* valid: beyond 0.01, up to 0.002"):
            narrow.check(value)


def test_a_spec_without_contexts_says_nothing_of_them():
    spec = TaskSpec.from_json(spoiled())
    assert spec.context is None
    assert "context" not in json.loads(spec.to_json())
    with_one = TaskSpec.from_json(spoiled(context=CONTEXT))
    assert TaskSpec.from_json(with_one.to_json()).context == ContextSpec(**CONTEXT)
