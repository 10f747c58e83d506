"""Output of the processes of a launch: on the screen, in the logs, on a terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
from pathlib import Path
from typing import Any


def test_output_goes_where_it_is_sent(workspace: Any) -> None:
    both = "import sys; print('out ' + sys.argv[1]); print('err ' + sys.argv[1], file=sys.stderr)"
    code = f'ExecuteProcess(cmd=[sys.executable, "-ISuc", "{both}", "%s"], name="%s", output=%r),'
    kinds = {name: name for name in ("screen", "log", "both", "own_log", "full")}
    kinds["parts"] = {"stdout": "screen", "stderr": {"log"}}
    result = workspace.launch("".join(code % (name, name, kind) for name, kind in kinds.items()))
    assert result.code == 0
    screen = {line.split("] ")[1] for line in result.output.splitlines() if re.match(r"\[\w+-\d\] ", line)}
    launch_log = {
        line.split("] ")[1] for line in workspace.log().splitlines() if re.match(r"\d+\.\d{7} \[\w+-\d\] ", line)
    }
    assert screen == {
        "out screen",
        "err screen",
        "err log",
        "out both",
        "err both",
        "out full",
        "err full",
        "out parts",
    }
    assert launch_log == {"out log", "err log", "out both", "err both", "out full", "err full", "err parts"}
    assert workspace.log("own_log-4-stdout.log") == "[own_log-4] out own_log\n"
    assert workspace.log("own_log-4-stderr.log") == "[own_log-4] err own_log\n"
    assert sorted(workspace.log("full-5.log").splitlines()) == ["[full-5] err full", "[full-5] out full"]


def test_the_last_line_without_an_end_is_not_lost(workspace: Any) -> None:
    assert "[py-1] tail\n" in workspace.launch("""python("import sys; sys.stdout.write('head\\\\ntail')"),""").output


def test_a_process_with_emulated_terminal_believes_in_it(workspace: Any) -> None:
    code = "import os, sys; print(sys.stdout.isatty(), sys.stderr.isatty(), os.get_terminal_size(1).columns)"
    result = workspace.launch(f'python("{code}", emulate_tty=True), python("import sys; print(sys.stdout.isatty())"),')
    assert re.search(r"^\[py-1\] True True \d\d+$", result.output, re.M)
    assert "[py-2] False\n" in result.output


def test_a_live_line_of_a_process_is_redrawn_in_place_on_a_terminal(workspace: Any) -> None:
    workspace.executable("progress", """
        import os, signal, sys
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        print(f"\\rstep 1 of {os.getpid()}.", end="", flush=True)
        signal.sigwait([signal.SIGUSR1])
        print("\\rstep 2")
    """)  # fmt: skip
    path = workspace.launch_file('Node(package="fake_pkg", executable="progress", output="screen", emulate_tty=True),')
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-m", "ros2lite", "launch", str(path)], workspace.environment)
    seen = read_until(terminal, rb"step 1 of (\d+)\.")
    assert b"\r\x1b[2K[progress-1] step 1" in seen
    os.kill(int(re.search(rb"step 1 of (\d+)\.", seen)[1]), signal.SIGUSR1)
    assert b"\r\x1b[2K[progress-1] step 2\r\n" in read_until(terminal, rb"finished cleanly")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def read_until(terminal: int, pattern: bytes) -> bytes:
    """Read a terminal until it has shown the pattern."""
    seen = b""
    while not re.search(pattern, seen):
        seen += os.read(terminal, 4096)
    return seen


def test_the_log_folder_is_named_linked_and_complete(workspace: Any) -> None:
    result = workspace.launch('LogInfo(msg="noted"),')
    folder = Path(re.search(r"All log files can be found below (\S+)", result.output)[1])
    assert folder.parent == workspace.logs
    assert (workspace.logs / "latest").resolve() == folder
    assert re.search(r"^\d+\.\d{7} \[INFO\] \[launch.user\]: noted$", workspace.log(), re.M)
