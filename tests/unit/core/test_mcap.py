from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmrl_ros.core import mcap
from vlmrl_ros.core.errors import BagError
from vlmrl_ros.core.mcap import Message, Scan, Tally, Topic

TOPICS = {
    1: Topic("/a", "std_msgs/msg/String", "string data\n", {"key": "value", "more": ""}),
    2: Topic("/b", "x/msg/Y"),
}
MESSAGES = [Message("/a", 10, b"one"), Message("/b", 5, b""), Message("/a", 30, b"three" * 100)]


def data() -> bytes:
    """A file without its end."""
    pieces = [mcap.opening(), *(mcap.topic_records(n, topic) for n, topic in TOPICS.items())]
    numbers = {topic.name: n for n, topic in TOPICS.items()}
    return b"".join([*pieces, *(mcap.message_record(numbers[m.topic], 0, m) for m in MESSAGES)])


def end(before: bytes) -> bytes:
    tally = Tally()
    for message in MESSAGES:
        tally.add(1 if message.topic == "/a" else 2, message.time_ns)
    return mcap.closing(TOPICS, tally, len(before))


def written(path: Path, content: bytes) -> Scan:
    path.write_bytes(content)
    return Scan(path)


@pytest.mark.parametrize("closed", [True, False])
def test_what_was_written_is_read_back_whether_the_file_was_closed_or_not(tmp_path, closed):
    scan = written(tmp_path / "a.mcap", data() + (end(data()) if closed else b""))
    assert list(scan) == MESSAGES
    assert scan.topics == TOPICS
    assert (scan.tally.counts, scan.tally.first_ns, scan.tally.last_ns) == ({1: 2, 2: 1}, 5, 30)
    assert scan.end == len(data())


def test_a_file_that_is_torn_anywhere_gives_all_whole_messages_before(tmp_path):
    whole = data()
    ends = [len(whole)]
    for message in reversed(MESSAGES):
        ends.insert(0, ends[0] - len(mcap.message_record(1, 0, message)))
    for size in range(len(whole)):
        scan = written(tmp_path / "a.mcap", whole[:size])
        assert list(scan) == [m for m, stop in zip(MESSAGES, ends[1:], strict=True) if stop <= size]
        assert scan.end <= size


def test_a_closed_file_that_is_damaged_is_refused(tmp_path):
    whole = data()
    at = len(whole) - 500
    damaged = whole[:at] + b"\xff" * 60 + whole[at + 60 :]
    length_at = len(whole) - len(mcap.message_record(1, 0, MESSAGES[-1])) + 1
    torn_length = whole[:length_at] + b"\xff" * 8 + whole[length_at + 8 :]
    with pytest.raises(BagError, match="is damaged behind byte"):
        list(written(tmp_path / "a.mcap", torn_length + end(whole)))
    assert len(list(written(tmp_path / "b.mcap", damaged + end(whole)))) == 3, "the bytes of a message are its own"


@pytest.mark.parametrize("content", [b"not a bag at all", b"\x89MCAP1\r\n" + b"\0" * 50])
def test_another_kind_of_file_is_refused(tmp_path, content):
    with pytest.raises(BagError, match="is no MCAP file"):
        list(written(tmp_path / "a.mcap", content))


def test_a_missing_file_is_an_error_of_ours(tmp_path):
    with pytest.raises(BagError, match="cannot be read: No such file"):
        list(Scan(tmp_path / "none.mcap"))


@given(st.binary(max_size=300), st.integers(0, 400))
def test_nonsense_in_a_file_is_an_error_of_ours_or_the_end_and_never_allocates_what_it_says(
    tmp_path_factory, noise, at
):
    whole = data()
    path = tmp_path_factory.mktemp("noise") / "a.mcap"
    try:
        messages = list(written(path, whole[:at] + noise + whole[at + len(noise) :]))
    except BagError:
        return
    assert sum(len(message.data) for message in messages) <= len(whole) + len(noise)
