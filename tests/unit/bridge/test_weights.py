from __future__ import annotations

import array
import itertools
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rclpy.serialization import deserialize_message, serialize_message
from safetensors.numpy import save
from std_msgs.msg import UInt8MultiArray

from vlmrl_ros.bridge.weights import MAX_BYTES, Weights, decode, encode
from vlmrl_ros.core.errors import CheckpointError

VARIABLES = {"actor/mean/weight": np.arange(6, dtype=np.float32).reshape(2, 3), "actor/mean/bias": np.ones(2, "f4")}
WEIGHTS = Weights(VARIABLES, version=12, step=340)


def message(raw: bytes) -> UInt8MultiArray:
    return UInt8MultiArray(data=array.array("B", raw))


def raw_of(weights: Weights = WEIGHTS) -> bytes:
    return bytes(encode(weights).data)


def assert_same(read: Weights, weights: Weights) -> None:
    assert (read.version, read.step) == (weights.version, weights.step)
    assert read.variables.keys() == weights.variables.keys()
    for name, value in weights.variables.items():
        assert (read.variables[name].dtype, read.variables[name].shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(read.variables[name], value)


def header_of(raw: bytes) -> tuple[dict[str, object], bytes]:
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def with_header(header: dict[str, object], tensors: bytes) -> UInt8MultiArray:
    text = json.dumps(header).encode()
    return message(struct.pack("<Q", len(text)) + text + tensors)


def test_weights_survive_the_wire_with_version_and_step():
    wire = deserialize_message(serialize_message(encode(WEIGHTS)), UInt8MultiArray)
    assert_same(decode(wire), WEIGHTS)


@given(
    st.dictionaries(
        st.text("abc/_0", min_size=1, max_size=8),
        hnp.arrays(
            st.sampled_from([np.float32, np.float64, np.int64, np.uint8]),
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
        ),
        max_size=4,
    )
)
def test_any_arrays_survive_with_names_types_and_shapes(variables):
    weights = Weights(variables, 1, 2)
    assert_same(decode(encode(weights)), weights)


def test_an_array_that_is_a_view_is_sent_as_it_looks():
    weights = Weights({"w": np.arange(12.0).reshape(3, 4).T[::-1]}, 1, 1)
    assert_same(decode(encode(weights)), weights)


def test_no_single_damaged_bit_changes_what_is_read():
    whole = raw_of()
    for at, bit in itertools.product(range(len(whole)), range(8)):
        raw = bytearray(whole)
        raw[at] ^= 1 << bit
        try:
            read = decode(message(bytes(raw)))
        except CheckpointError:
            continue
        assert_same(read, WEIGHTS)


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 100, -1])
def test_a_truncated_message_is_refused(cut):
    with pytest.raises(CheckpointError, match="not a message of weights"):
        decode(message(raw_of()[:cut]))


def test_a_damaged_number_is_told_by_the_hash():
    raw = bytearray(raw_of())
    raw[-3] ^= 1
    with pytest.raises(CheckpointError, match="damaged on the way"):
        decode(message(bytes(raw)))


@pytest.mark.parametrize("key", ["version", "step"])
def test_another_version_or_step_in_the_header_is_told_by_the_hash(key):
    header, tensors = header_of(raw_of())
    header["__metadata__"][key] = "99"
    with pytest.raises(CheckpointError, match="damaged on the way"):
        decode(with_header(header, tensors))


@pytest.mark.parametrize("change", [{"shape": [3, 2]}, {"shape": [6]}, {"dtype": "I32"}])
def test_another_shape_or_type_in_the_header_is_told_by_the_hash(change):
    header, tensors = header_of(raw_of())
    header["actor/mean/weight"] |= change
    with pytest.raises(CheckpointError, match="damaged on the way"):
        decode(with_header(header, tensors))


@pytest.mark.parametrize("key", ["version", "step", "sha256"])
def test_metadata_that_is_missing_is_named(key):
    header, tensors = header_of(raw_of())
    del header["__metadata__"][key]
    with pytest.raises(CheckpointError, match=f"not a message of weights: .*{key}"):
        decode(with_header(header, tensors))


def test_safetensors_without_metadata_are_refused():
    with pytest.raises(CheckpointError, match="not a message of weights"):
        decode(message(save(VARIABLES)))


@pytest.mark.parametrize("version", ["", "one", "1.5", "9" * 5000])
def test_a_version_that_is_no_whole_number_is_refused(version):
    raw = save(VARIABLES, metadata={"version": version, "step": "1", "sha256": "0"})
    with pytest.raises(CheckpointError, match="not a message of weights"):
        decode(message(raw))


PICKLED = b"\x80\x04c__builtin__\nprint\n(V executed\ntR."


@pytest.mark.parametrize(
    "raw",
    [PICKLED, b"{}", b"\x93NUMPY\x01\x00", b"PK\x03\x04" + bytes(40), b"\xff" * 64, bytes(64), b"\n".join([b"x"] * 99)],
    ids=["pickle", "JSON", "npy", "zip", "ones", "zeros", "text"],
)
def test_anything_else_is_refused_and_never_executed(raw, capsys):
    with pytest.raises(CheckpointError, match="not a message of weights"):
        decode(message(raw))
    assert capsys.readouterr().out == ""


def test_a_header_of_endless_nesting_is_refused():
    text = b'{"__metadata__":' + b"[" * 100_000
    with pytest.raises(CheckpointError, match="not a message of weights"):
        decode(message(struct.pack("<Q", len(text)) + text))


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(raw):
    with pytest.raises(CheckpointError, match="not a message of weights"):
        decode(message(raw))


@pytest.mark.parametrize("dtype", ["BF16", "F16", "BOOL", "F8_E4M3"])
def test_types_that_no_policy_here_has_are_read_or_refused(dtype):
    width = {"BF16": 2, "F16": 2, "BOOL": 1, "F8_E4M3": 1}[dtype]
    header = {"w": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4 * width]}}
    header["__metadata__"] = {"version": "1", "step": "1", "sha256": "0"}
    with pytest.raises(CheckpointError):
        decode(with_header(header, bytes(4 * width)))


def test_a_message_that_is_too_large_is_refused_before_it_is_copied():
    huge = UInt8MultiArray()
    huge.data = array.array("B", bytes(1)) * (MAX_BYTES + 1)
    with pytest.raises(
        CheckpointError, match=f"weights of {MAX_BYTES + 1} bytes; the most that is read is {MAX_BYTES}"
    ):
        decode(huge)
