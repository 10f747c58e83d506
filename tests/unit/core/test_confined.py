"""A file that a message names is read below one directory only."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from fakes.processes import wait_until
from hypothesis import given
from hypothesis import strategies as st

from vlmrl_ros.core.confined import read_confined, uri_of
from vlmrl_ros.core.errors import RangeError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "below").mkdir(parents=True)
    (tmp_path / "root" / "below" / "a file").write_bytes(b"content")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "root"


def test_a_file_below_the_root_is_read_whole_whatever_its_name(root):
    odd = root / "below" / "ä %41?#.bin"
    odd.write_bytes(bytes(range(256)))
    assert read_confined(uri_of(root / "below" / "a file"), root, 7) == b"content"
    assert read_confined(uri_of(odd), root, 256) == bytes(range(256))


def test_without_a_root_nothing_is_read(root):
    with pytest.raises(RangeError, match="weights_root names the directory"):
        read_confined(uri_of(root / "below" / "a file"), None, 7)


@pytest.mark.parametrize(
    "uri",
    [
        "file://{root}/../secret",
        "file://{root}/below/../../secret",
        "file://{root}/%2e%2e/secret",
        "file://{root}/below/%2E%2E/%2e./secret",
        "file:///etc/passwd",
        "file://{root}",
        "file://{root}/below/..",
    ],
)
def test_a_path_that_leads_out_of_the_root_is_refused(root, uri):
    with pytest.raises(RangeError, match="is not below"):
        read_confined(uri.format(root=root), root, 100)


def test_a_link_is_followed_within_the_root_and_not_out_of_it(root):
    (root / "inside").symlink_to(root / "below" / "a file")
    (root / "outside").symlink_to(root.parent / "secret")
    (root / "way").symlink_to(root.parent)
    assert read_confined(f"file://{root}/inside", root, 100) == b"content"
    for name in ("outside", "way/secret", "way/root/../secret"):
        with pytest.raises(RangeError, match="is not below"):
            read_confined(f"file://{root}/{name}", root, 100)


def test_a_root_that_is_a_link_itself_is_the_directory_it_points_to(root):
    link = root.parent / "link"
    link.symlink_to(root)
    assert read_confined(f"file://{link}/below/a%20file", link, 100) == b"content"
    (root / "loop").symlink_to(root / "loop")
    with pytest.raises(OSError, match="symbolic links"):
        read_confined(f"file://{root}/loop", root, 100)


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.org/w.safetensors",
        "https://{root}/below/a%20file",
        "file://elsewhere{root}/below/a%20file",
        "ftp://{root}/below/a%20file",
        "{root}/below/a file",
        "below/a file",
        "file:below/a%20file",
        "file://{root}/below/a%20file?x=1",
        "file://{root}/below/a%20file#x",
        "file://{root}/below/a%20file%00.txt",
        "file://{root}/below/%ff%fe",
        "file://[{root}",
        "data:text/plain,hello",
        "",
    ],
)
def test_any_other_scheme_host_or_form_is_refused(root, uri):
    with pytest.raises(RangeError):
        read_confined(uri.format(root=root), root, 100)


@given(st.text(max_size=60))
def test_whatever_is_given_as_a_uri_nothing_else_than_a_refusal_comes_out(uri):
    with pytest.raises((RangeError, OSError)):
        read_confined(uri, Path("/proc/self/fdinfo"), 100)


def test_a_uri_without_end_is_not_parsed(root):
    with pytest.raises(RangeError, match="a URI of 5000 characters"):
        read_confined("x" * 5000, root, 100)


def test_a_file_larger_than_allowed_is_refused_before_it_is_read(root):
    with open(root / "sparse", "wb") as file:
        file.truncate(10**12)
    with pytest.raises(RangeError, match="has 1000000000000 bytes; the most that is read is 100"):
        read_confined(f"file://{root}/sparse", root, 100)


def test_what_is_no_regular_file_is_refused_at_once(root):
    os.mkfifo(root / "pipe")
    for name in ("pipe", "below"):
        with pytest.raises(RangeError, match="is not a regular file"):
            read_confined(f"file://{root}/{name}", root, 100)


def test_a_file_that_is_not_there_is_an_error_of_the_system(root):
    with pytest.raises(FileNotFoundError):
        read_confined(f"file://{root}/nothing", root, 100)


def test_a_link_that_is_swapped_all_the_time_never_leads_out(root):
    """The name points into the root and out of it in turn; what is read is the one or refused, never the other."""
    name, aside, stop = root / "swapped", root / "aside", threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for target in (root / "below" / "a file", root.parent / "secret"):
                aside.symlink_to(target)
                aside.replace(name)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        wait_until(name.exists, "the link")
        outcomes = set()
        for _ in range(2000):
            try:
                outcomes.add(read_confined(f"file://{name}", root, 100))
            except (RangeError, OSError):
                outcomes.add(b"refused")
    finally:
        stop.set()
        thread.join()
    assert outcomes == {b"content", b"refused"}


def test_a_file_that_grows_while_it_is_read_is_refused():
    """A file of the kernel says that it is empty, and is not: the purest case of one that changes."""
    with pytest.raises(RangeError, match="changed while it was read"):
        read_confined("file:///proc/sys/kernel/ostype", Path("/proc/sys"), 100)
