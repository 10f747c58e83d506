"""Lines and live lines out of a byte stream."""

from __future__ import annotations

import io

import pytest
from ros2lite.lines import LineBuffer, visible
from ros2lite.screen import Screen


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", "plain"),
        ("ends like a terminal's\r", "ends like a terminal's"),
        ("old\rnew", "new"),
        ("\r\x1b[2Kredrawn", "redrawn"),
        ("\x1b[?25lhidden cursor\x1b[?25h", "hidden cursor"),
        ("\x1b[32mgreen\x1b[0m", "\x1b[32mgreen\x1b[0m"),
        ("", ""),
    ],
)
def test_a_line_is_what_a_terminal_would_show(written: str, shown: str) -> None:
    assert visible(written) == shown


def test_lines_come_whole_however_the_bytes_are_cut() -> None:
    text = "first\nsecond: äö\nrest"
    buffer = LineBuffer()
    lines = [line for byte in text.encode() for line in buffer.feed(bytes([byte]))]
    assert lines == ["first", "second: äö"]
    assert buffer.flush() == ["rest"]
    assert buffer.flush() == []


def test_bytes_that_are_no_text_do_not_break_the_line() -> None:
    assert LineBuffer().feed(b"a\xff\xfeb\n") == ["a\ufffd\ufffdb"]


def test_only_a_line_redrawn_in_place_is_live() -> None:
    buffer = LineBuffer()
    buffer.feed(b"waiting for the rest")
    assert buffer.live() is None
    buffer.feed(b"\rstep 1")
    buffer.feed(b"\rstep 2")
    assert buffer.live() == "step 2"
    assert buffer.feed(b"\n") == ["step 2"]
    assert buffer.live() is None


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_line_is_written_above_the_live_line() -> None:
    terminal = Terminal()
    screen = Screen(terminal)
    screen.live("a", "step 1")
    screen.line("news")
    screen.live("a", None)
    assert terminal.getvalue() == "\r\x1b[2Kstep 1\r\x1b[2Knews\nstep 1\r\x1b[2K"


def test_the_live_line_of_another_process_is_left_alone() -> None:
    terminal = Terminal()
    screen = Screen(terminal)
    screen.live("a", "step 1")
    before = terminal.getvalue()
    screen.live("b", None)
    assert terminal.getvalue() == before


def test_without_a_terminal_there_are_only_whole_lines() -> None:
    class File(io.StringIO):
        encoding = "utf-8"

    file = File()
    screen = Screen(file)
    screen.live("a", "step 1")
    screen.line("news")
    assert file.getvalue() == "news\n"


def test_a_reader_that_has_gone_does_not_stop_the_launch() -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Screen(Gone()).line("news")
