from __future__ import annotations

import array
import contextlib

import numpy as np
import pytest
from fakes.wire import sent
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import image_messages, learner_messages, messages
from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.errors import NonFiniteError, RangeError, ShapeError, VlmrlError
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Feedback, Intervention, Mark, Source

SPEC = VectorSpec(("x", "y", "z"), ("m/s",) * 3, np.full(3, -1.0), np.full(3, 1.0))
CAMERA = CameraSpec("wrist", 4, 6)
STAMP_NS = 12_345_678_901


def vector(names, values) -> JointState:
    return sent(messages.named_vector(STAMP_NS, names, values))


def raw(names, values) -> JointState:
    return JointState(name=list(names), position=array.array("d", values))


@given(stamp_ns=st.integers(0, 2**31 * 10**9 - 1))
def test_a_stamp_survives_to_the_nanosecond(stamp_ns):
    assert messages.to_ns(messages.to_time(stamp_ns)) == stamp_ns
    assert messages.stamp_of(messages.named_vector(stamp_ns, ["a"], [1.0])) == stamp_ns


@given(values=hnp.arrays(np.float32, 3, elements=st.floats(-(2.0**29), 2.0**29, width=32)))
def test_a_named_vector_survives_to_the_same_bit(values):
    read = messages.read_vector(vector(SPEC.names, values), SPEC, "command")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, values)


@given(order=st.permutations(["x", "y", "z", "other", "more"]))
def test_components_are_found_by_name_in_any_order_and_others_are_ignored(order):
    values = {"x": 0.1, "y": 0.2, "z": 0.3, "other": np.nan, "more": 7.0}
    message = vector(order, [values[name] for name in order])
    np.testing.assert_allclose(messages.read_vector(message, SPEC, "command"), [0.1, 0.2, 0.3])


@pytest.mark.parametrize("names", [["x", "z"], [], ["X", "Y", "Z"]])
def test_missing_components_are_named_with_those_that_came(names):
    with pytest.raises(ShapeError, match=r"policy/action lacks .*y.*; it has (x, z|nothing|X, Y, Z)$"):
        messages.read_vector(vector(names, np.zeros(len(names))), SPEC, "policy/action")


@pytest.mark.parametrize(("names", "values"), [("xyz", (1, 2)), ("xyz", (1, 2, 3, 4)), ("", (1,)), ("yxz", ())])
def test_names_and_values_must_agree_in_number(names, values):
    with pytest.raises(ShapeError, match=rf"command has {len(names)} names and {len(values)} values"):
        messages.read_vector(raw(names, values), SPEC, "command")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("order", ["xyz", "zyx"])
def test_a_component_that_is_not_finite_is_named(order, bad):
    with pytest.raises(NonFiniteError, match=r"command is not finite in y$"):
        messages.read_vector(vector(order, [0, bad, 0]), SPEC, "command")


def test_a_huge_vector_is_refused():
    names = [f"n{k}" for k in range(messages.MAX_VECTOR + 1)]
    with pytest.raises(ShapeError, match="4097 names and 4097 values; they must agree and be 4096 at most"):
        messages.read_values(vector(names, np.zeros(len(names))), "observation/state")
    assert len(messages.read_values(vector(names[1:], np.zeros(4096)), "observation/state")) == 4096


def test_a_frame_survives_to_the_same_byte():
    frame = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    message = sent(image_messages.image_message(STAMP_NS, CAMERA, frame))
    np.testing.assert_array_equal(image_messages.read_image(message, CAMERA), frame)
    assert (message.header.frame_id, message.step, message.encoding) == ("wrist_optical_frame", 18, "rgb8")
    assert messages.stamp_of(message) == STAMP_NS


def test_a_frame_that_is_a_view_is_sent_as_it_looks():
    frame = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)[::-1][:4, 1:7]
    np.testing.assert_array_equal(
        image_messages.read_image(image_messages.image_message(0, CAMERA, frame), CAMERA), frame
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encoding": "bgr8"}, "sent bgr8 4x6; expected rgb8 4x6"),
        ({"encoding": ""}, "sent  4x6; expected rgb8 4x6"),
        ({"height": 6, "width": 4}, "sent rgb8 6x4; expected rgb8 4x6"),
        ({"height": 2**32 - 1}, "sent rgb8 4294967295x6; expected rgb8 4x6"),
        ({"data": array.array("B", bytes(71))}, "sent 71 bytes; expected 72"),
        ({"data": array.array("B", bytes(73))}, "sent 73 bytes; expected 72"),
        ({"data": array.array("B")}, "sent 0 bytes; expected 72"),
    ],
)
def test_a_frame_of_another_size_or_encoding_is_refused(change, reason):
    message = image_messages.image_message(STAMP_NS, CAMERA, np.zeros((4, 6, 3), np.uint8))
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ShapeError, match=f"camera 'wrist' {reason}"):
        image_messages.read_image(message, CAMERA)


@given(
    st.builds(
        Feedback,
        reward=st.floats(-1e6, 1e6),
        terminated=st.booleans(),
        truncated=st.booleans(),
        success=st.booleans(),
        episode=st.integers(0, 2**40),
        step=st.integers(0, 2**40),
        weights_version=st.integers(0, 2**40),
        plan=st.none()
        | st.builds(
            EpisodePlan,
            context=st.floats(-1e6, 1e6),
            rolled_in=st.booleans(),
            roll_in_steps=st.integers(0, 2**40),
            roll_in_context=st.floats(-1e6, 1e6),
            extra_steps=st.integers(0, 2**40),
        ),
    )
)
def test_feedback_survives(feedback):
    assert messages.read_feedback(sent(messages.feedback_message(STAMP_NS, feedback))) == feedback


@given(st.builds(Intervention, st.booleans(), st.booleans(), st.sampled_from([0.0, -1.0]), st.sampled_from(Source)))
def test_an_intervention_survives(intervention):
    assert messages.read_intervention(sent(messages.intervention_message(STAMP_NS, intervention, SPEC))) == intervention


@given(advice=st.tuples(*[st.floats(-1, 1, width=32)] * 3))
def test_what_a_person_would_do_goes_with_the_intervention_for_those_who_ask(advice):
    message = sent(
        messages.intervention_message(STAMP_NS, Intervention(False, False, 0.0, Source.POLICY, advice), SPEC)
    )
    assert messages.read_intervention(message, SPEC).advice == advice
    assert messages.read_intervention(message).advice == ()


def test_advice_that_lacks_a_component_is_refused():
    names = [*messages.INTERVENTION_NAMES, "advice/x", "advice/z"]
    with pytest.raises(ShapeError, match="lacks advice/y"):
        messages.read_intervention(vector(names, np.zeros(6)), SPEC)


@pytest.mark.parametrize(
    ("read", "names"),
    [
        (messages.read_feedback, messages.FEEDBACK_NAMES),
        (messages.read_intervention, messages.INTERVENTION_NAMES),
        (learner_messages.read_learner_status, ["version", "finished"]),
    ],
)
def test_each_component_of_a_report_is_needed_and_must_be_finite(read, names):
    for index, name in enumerate(names):
        others = [other for other in names if other != name]
        with pytest.raises(ShapeError, match=f"lacks {name}; it needs {', '.join(names)}"):
            read(vector(others, np.zeros(len(others))))
        with pytest.raises(NonFiniteError, match=f"not finite in {name}"):
            read(vector(names, np.where(np.arange(len(names)) == index, np.nan, 0.0)))


@pytest.mark.parametrize("source", [-1, 3, 0.5])
def test_an_unknown_source_is_refused_with_those_that_exist(source):
    with pytest.raises(ShapeError, match=r"source is .*; valid: 0 \(policy\), 1 \(human\), 2 \(stopped\)"):
        messages.read_intervention(vector(messages.INTERVENTION_NAMES, [0, 0, 0, source]))


@pytest.mark.parametrize("mark", list(Mark))
def test_a_command_carries_its_action_and_the_mark(mark):
    action = np.array([0.1, -0.2, 0.3], np.float32)
    message = sent(messages.command_message(STAMP_NS, SPEC, action, mark))
    np.testing.assert_array_equal(messages.read_vector(message, SPEC, "command"), action)
    assert messages.read_mark(message) is mark
    assert message.header.frame_id == "base_link"


def test_a_command_without_mark_marks_nothing():
    assert messages.read_mark(vector(SPEC.names, np.zeros(3))) is Mark.NONE


@pytest.mark.parametrize("mark", [-1, 4, 0.5, 1.5, np.nan, np.inf])
def test_an_unknown_mark_is_refused_with_those_that_exist(mark):
    with pytest.raises(ShapeError, match=r"mark is .*; valid: 0 \(none\), 1 \(success\), 2 \(failure\), 3 \(reset\)"):
        messages.read_mark(vector([*SPEC.names, "mark"], [0, 0, 0, mark]))


def test_the_status_of_the_learner_is_read_among_other_components():
    message = vector(["version", "steps", "updates", "finished"], [7, 100, 900, 1])
    assert learner_messages.read_learner_status(message) == (7, True)


@given(
    names=st.lists(st.sampled_from([*messages.FEEDBACK_NAMES, *messages.INTERVENTION_NAMES, "mark", "x", "y"])),
    values=st.lists(st.floats()),
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_whatever_comes_is_read_or_refused_by_an_error_of_this_package(names, values):
    message = raw(names, values)
    readers = (
        messages.read_feedback,
        messages.read_intervention,
        messages.read_mark,
        learner_messages.read_learner_status,
        lambda m: messages.read_vector(m, SPEC, "command"),
    )
    for read in readers:
        with contextlib.suppress(VlmrlError):
            read(message)


def test_an_empty_image_is_refused():
    with pytest.raises(ShapeError, match="sent  0x0"):
        image_messages.read_image(Image(), CAMERA)


@pytest.mark.parametrize("order", ["xyz", "zyx"])
@pytest.mark.parametrize("huge", [1.1e9, -1e30])
def test_a_number_that_no_arm_and_no_network_stands_is_refused(order, huge):
    with pytest.raises(RangeError, match="the most that is read is 1e"):
        messages.read_vector(vector(order, [0, huge, 0]), SPEC, "observation/state")


def test_a_name_that_comes_twice_is_refused():
    with pytest.raises(RangeError, match="command has 4 names, but only 3 different ones"):
        messages.read_vector(vector("xyzx", [1, 2, 3, 4]), SPEC, "command")


def test_a_name_without_end_is_refused_and_not_repeated_in_the_log():
    with pytest.raises(RangeError, match="scene has a name of 1000000 characters; the most that is read is 128"):
        messages.read_scene(vector(["x" * 1_000_000], [1.0]))
    many = [f"n{k}" for k in range(4096)]
    with pytest.raises(ShapeError) as error:
        messages.read_vector(vector(many, np.zeros(4096)), SPEC, "command")
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize("count", [-1, 0.5, 2.0**54, 1e300])
@pytest.mark.parametrize("name", ["episode", "step", "weights_version", "roll_in_steps", "extra_steps"])
def test_what_counts_is_a_whole_number_from_zero(name, count):
    names = [*messages.FEEDBACK_NAMES, *messages.PLAN_NAMES]
    values = np.zeros(len(names))
    values[names.index(name)] = count
    with pytest.raises(RangeError, match=f"feedback has {name} .*; valid: a whole number from 0 to"):
        messages.read_feedback(vector(names, values))


def test_a_scene_must_be_finite_in_every_component():
    assert messages.read_scene(vector(["a", "b"], [1.0, 2.0])) == {"a": 1.0, "b": 2.0}
    with pytest.raises(NonFiniteError, match="scene is not finite in b"):
        messages.read_scene(vector(["a", "b"], [1.0, np.inf]))


def test_a_node_keeps_its_task_whatever_spec_comes():
    spec, other = (TaskSpec(name, SPEC, SPEC, (), 0.1, 10) for name in ("mine", "other"))
    assert messages.read_spec(String(data=other.to_json()), None).task == "other"
    assert messages.read_spec(String(data=spec.to_json()), spec).task == "mine"
    with pytest.raises(ShapeError, match="a spec of 'other' that is not the one of 'mine' in force"):
        messages.read_spec(String(data=other.to_json()), spec)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5, -1.0, 1e12])
def test_an_estop_that_is_neither_pressed_nor_released_is_refused(value):
    with pytest.raises(RangeError, match=r"command has estop .*; valid: 0 and 1"):
        messages.read_estop(vector([*SPEC.names, "mark", "estop"], [0, 0, 0, 0, value]))
