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

from vlmrl_ros.bridge.weights import MAX_BYTES, MAX_HEADER, Weights, decode, encode, encode_to_file
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


def test_weights_by_file_are_those_that_were_written(tmp_path):
    named = encode_to_file(WEIGHTS, tmp_path / "weights")
    assert len(named.data) < 600
    assert_same(decode(named, tmp_path), WEIGHTS)


def test_weights_by_file_are_refused_where_no_directory_is_allowed_or_another(tmp_path):
    named = encode_to_file(WEIGHTS, tmp_path / "weights")
    (tmp_path / "other").mkdir()
    for root in (None, tmp_path / "other", tmp_path / "not there"):
        with pytest.raises(CheckpointError, match="weights by file"):
            decode(named, root)


def test_a_file_that_changed_after_it_was_announced_is_refused(tmp_path):
    named = encode_to_file(WEIGHTS, tmp_path)
    (path,) = tmp_path.glob("*.safetensors")
    whole = path.read_bytes()
    path.write_bytes(raw_of(Weights(VARIABLES, 12, 341)))
    with pytest.raises(CheckpointError, match="is not the one that was announced"):
        decode(named, tmp_path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="damaged on the way"):
        decode(named, tmp_path)
    path.write_bytes(bytes(named.data))
    with pytest.raises(CheckpointError, match="is not the one that was announced"):
        decode(named, tmp_path)
    path.unlink()
    with pytest.raises(CheckpointError, match="weights by file"):
        decode(named, tmp_path)
    path.write_bytes(whole)
    assert_same(decode(named, tmp_path), WEIGHTS)


def test_only_the_newest_files_are_kept(tmp_path):
    for version in range(1, 6):
        encode_to_file(Weights(VARIABLES, version, version), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["version_4.safetensors", "version_5.safetensors"]


def test_a_uri_beside_arrays_is_refused():
    raw = save(VARIABLES, metadata={"version": "1", "step": "1", "sha256": "0", "uri": "file:///etc/passwd"})
    with pytest.raises(CheckpointError, match="but with arrays in the message"):
        decode(message(raw))


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, MAX_HEADER + 1])
def test_a_header_that_is_longer_than_allowed_is_not_parsed(length):
    with pytest.raises(CheckpointError, match="the most that is parsed is"):
        decode(message(struct.pack("<Q", length) + b"{" * 100))


@pytest.mark.parametrize("version", ["-1", str(2**53 + 1), "1_000_000_000_000_000_000"])
def test_a_version_out_of_range_is_refused(version):
    raw = save(VARIABLES, metadata={"version": version, "step": "1", "sha256": "0"})
    with pytest.raises(CheckpointError, match="valid: 0 to"):
        decode(message(raw))


@pytest.mark.parametrize("shape", [[2**62, 2**62], [2**64], [0, 2**63], [-1], [1] * 100_000, [1.5], None])
def test_dimensions_that_nothing_could_hold_are_refused_without_allocating(shape):
    header = {"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}
    header["__metadata__"] = {"version": "1", "step": "1", "sha256": "0"}
    with pytest.raises(CheckpointError):
        decode(with_header(header, bytes(4)))
