"""Processes of a launch: their end, their events, and how they are stopped."""

# ruff: noqa: E501 (launch files and their messages stand here as they are)

from __future__ import annotations

import re
import signal
from typing import Any

import pytest

FAST = ("sigterm_timeout:=0.3", "sigkill_timeout:=0.3")
POLITE = 'python("import signal; print(1); signal.pause()", name="polite"),'
IGNORES = (
    "import os, signal; [signal.signal(getattr(signal, name), signal.SIG_IGN) for name in {}]; "
    "print('pid', os.getpid()); [signal.pause() for _ in iter(int, 1)]"
)
STUBBORN = 'python("' + IGNORES.format(["SIGINT"]) + '"),'
IMMORTAL = 'python("' + IGNORES.format(["SIGINT", "SIGTERM"]) + '"),'


def pids(output: str) -> list[int]:
    return [int(number) for number in re.findall(r"pid (\d+)$", output, re.M)]


def test_a_launch_that_has_nothing_left_to_do_ends_well(workspace: Any) -> None:
    result = workspace.launch('python("print(42)"),')
    assert result.code == 0
    assert re.search(r"^\[INFO\] \[py-1\]: process started with pid \[\d+\]$", result.output, re.M)
    assert "\n[py-1] 42\n" in result.output
    assert re.search(r"^\[INFO\] \[py-1\]: process has finished cleanly \[pid \d+\]$", result.output, re.M)


def test_a_process_that_fails_gives_the_launch_its_exit_code(workspace: Any) -> None:
    result = workspace.launch('python("raise SystemExit(7)"), python("print(1)"),')
    assert result.code == 7
    assert re.search(
        r"^\[ERROR\] \[py-1\]: process has died \[pid \d+, exit code 7, cmd '.+ -ISuc raise", result.output, re.M
    )


def test_a_process_that_a_signal_ends_fails_as_in_a_shell(workspace: Any) -> None:
    result = workspace.launch('python("import os; os.kill(os.getpid(), 9)"),')
    assert result.code == 128 + signal.SIGKILL
    assert "exit code -9" in result.output


@pytest.mark.parametrize("code", [0, 5])
def test_a_required_process_takes_the_launch_down_with_its_exit_code(workspace: Any, code: int) -> None:
    result = workspace.launch(POLITE + f'python("raise SystemExit({code})", on_exit=Shutdown(reason="it ended")),')
    assert result.code == code
    assert "process[py-2] was required: shutting down launched system" in result.output
    assert "sending signal 'SIGINT' to process[polite-1]" in result.output


def test_a_process_that_is_replaced_when_it_ends_does_not_fail_the_launch(workspace: Any) -> None:
    result = workspace.launch("""
        python("import os; os.kill(os.getpid(), 9)",
            on_exit=lambda event, context: python(f"print('instead of', {event.returncode}, {context.is_shutdown})")),
    """)
    assert "[py-2] instead of -9 False" in result.output
    assert result.code == 0


def test_a_process_is_replaced_after_a_while_by_a_timer(workspace: Any) -> None:
    result = workspace.launch("""
        python("raise SystemExit(4)",
            on_exit=lambda event, context: [TimerAction(period=0.1, actions=[python("print('later')")])]),
    """)
    assert "[py-2] later" in result.output
    assert result.code == 0


@pytest.mark.parametrize("answer", ["None", "[]", "Shutdown(reason='no more')", "[LogInfo(msg='x'), Shutdown()]"])
def test_a_process_that_nothing_replaces_fails_the_launch_with_its_exit_code(workspace: Any, answer: str) -> None:
    code = f"""python("raise SystemExit(6)", on_exit=lambda event, context: {answer}),"""
    result = workspace.launch(code)
    assert result.code == 6
    assert "Traceback" not in result.output + result.error


def test_a_process_that_the_shutdown_ended_is_told_so_and_does_not_fail_the_launch(workspace: Any) -> None:
    result = workspace.launch("""
        python("import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); print(1); signal.pause()",
            on_exit=lambda event, context: print("H", event.returncode, context.is_shutdown, flush=True)),
        TimerAction(period=0.5, actions=[Shutdown(reason="enough")]),
    """)
    assert "H -2 True" in result.output
    assert result.code == 0


def test_a_program_that_does_not_exist_fails_the_launch(workspace: Any) -> None:
    result = workspace.launch('ExecuteProcess(cmd=["/no/such/program"]),')
    assert result.code == 127
    assert "[ERROR] [program-1]: cannot start '/no/such/program'" in result.output
    assert "Traceback" not in result.output + result.error


def test_an_error_in_a_callback_stops_everything_with_one_line(workspace: Any) -> None:
    result = workspace.launch(POLITE + "OpaqueFunction(function=lambda context: 1 / 0),")
    assert result.code == 1
    assert "Caught exception in launch (see debug for traceback): division by zero" in result.output
    assert "Traceback" not in result.output + result.error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_launcher_stops_the_children(workspace: Any, is_alive: Any, number: int) -> None:
    launch = workspace.start("launch", str(workspace.launch_file(f"{STUBBORN} {STUBBORN}")), *FAST)
    launch.wait_for("[py-1] pid")
    launch.wait_for("[py-2] pid")
    children = pids(launch.output)
    launch.process.send_signal(number)
    assert launch.wait() == 0
    assert len(children) == 2
    assert not any(is_alive(pid) for pid in children)


def test_a_process_that_ignores_everything_is_killed_step_by_step(workspace: Any, is_alive: Any) -> None:
    launch = workspace.start("launch", str(workspace.launch_file(IMMORTAL)), *FAST)
    launch.wait_for("[py-1] pid")
    launch.process.send_signal(signal.SIGINT)
    assert launch.wait() == 0
    expected = [
        "user interrupted with ctrl-c (SIGINT)",
        "sending signal 'SIGINT' to process[py-1]",
        "process[py-1] failed to terminate '0.3' seconds after receiving 'SIGINT', escalating to 'SIGTERM'",
        "sending signal 'SIGTERM' to process[py-1]",
        "process[py-1] failed to terminate '0.3' seconds after receiving 'SIGTERM', escalating to 'SIGKILL'",
        "sending signal 'SIGKILL' to process[py-1]",
        "exit code -9",
    ]
    places = [launch.output.find(text) for text in expected]
    assert -1 not in places, launch.output
    assert places == sorted(places)


def test_what_a_process_left_behind_ends_with_it(workspace: Any, is_alive: Any) -> None:
    code = "import subprocess, sys; print('pid', subprocess.Popen([sys.executable, '-ISc', 'import signal; signal.pause()']).pid)"
    result = workspace.launch(f'python("{code}"),')
    (orphan,) = pids(result.output)
    assert result.code == 0
    assert not is_alive(orphan)


def test_a_second_ctrl_c_is_ignored_while_the_first_works(workspace: Any) -> None:
    launch = workspace.start("launch", str(workspace.launch_file(STUBBORN)), "sigterm_timeout:=1.0")
    launch.wait_for("[py-1] pid")
    launch.process.send_signal(signal.SIGINT)
    launch.wait_for("sending signal 'SIGINT'")
    launch.process.send_signal(signal.SIGINT)
    launch.wait_for("again, ignoring")
    assert launch.wait() == 0
    assert launch.output.count("sending signal 'SIGINT'") == 1


def test_a_process_is_respawned_until_it_may_not_any_more(workspace: Any) -> None:
    result = workspace.launch('python("raise SystemExit(3)", respawn=True, respawn_delay=0.05, respawn_max_retries=2),')
    assert result.output.count("process started with pid") == 3
    assert result.code == 3


def test_a_respawned_process_does_not_fail_the_launch_and_stops_with_it(workspace: Any) -> None:
    launch = workspace.start(
        "launch", str(workspace.launch_file('python("raise SystemExit(3)", respawn=True, respawn_delay=0.05),'))
    )
    launch.wait_for("process has died")
    launch.process.send_signal(signal.SIGINT)
    assert launch.wait() == 0


def test_a_timer_runs_its_actions_later_unless_it_is_cancelled(workspace: Any) -> None:
    result = workspace.launch("""
        TimerAction(period=0.3, actions=[LogInfo(msg="late")]),
        TimerAction(period=0.1, actions=[LogInfo(msg=["soon ", LaunchConfiguration("x", default="x")])]),
        *((lambda timer: [timer, OpaqueFunction(function=lambda context: timer.cancel())])(
            TimerAction(period=0.2, actions=[LogInfo(msg="never")]))),
    """)
    assert result.code == 0
    assert "never" not in result.output
    assert result.output.index("soon x") < result.output.index("late")


def test_a_shutdown_does_not_wait_for_timers(workspace: Any) -> None:
    result = workspace.launch("""
        TimerAction(period=3600.0, actions=[LogInfo(msg="never")]),
        TimerAction(period=0.1, actions=[Shutdown(reason="enough")]),
    """)
    assert result.code == 0
    assert "never" not in result.output


def test_handlers_follow_the_life_of_a_process(workspace: Any) -> None:
    result = workspace.launch("""
        *((lambda first: [
            RegisterEventHandler(OnProcessStart(target_action=first, on_start=[LogInfo(msg="H started")])),
            RegisterEventHandler(OnProcessIO(target_action=first,
                on_stdout=lambda event: LogInfo(msg="H said " + event.text.decode().strip()))),
            RegisterEventHandler(OnProcessExit(target_action=first,
                on_exit=lambda event, context: [LogInfo(msg=f"H ended {event.returncode}"), python("print('H next')")])),
            RegisterEventHandler(OnProcessExit(target_action=lambda action: action is not first,
                on_exit=[LogInfo(msg=["H other ", LocalSubstitution("event.returncode")])])),
            RegisterEventHandler(OnExecutionComplete(target_action=first, on_completion=LogInfo(msg="H complete"))),
            RegisterEventHandler(OnShutdown(on_shutdown=[LogInfo(msg="H down")])),
            first,
        ])(python("import os; os.write(1, b'hello')"))),
    """)
    assert result.code == 0, result.output
    seen = re.findall(r"(?:launch.user\]: |\[py-2\] )(H .+)", result.output)
    assert seen == ["H started", "H said hello", "H ended 0", "H complete", "H next", "H other 0", "H down"]


def test_a_handler_for_one_event_is_gone_after_it_and_one_that_is_removed_at_once(workspace: Any) -> None:
    result = workspace.launch("""
        RegisterEventHandler(OnProcessStart(on_start=[LogInfo(msg="once")], handle_once=True)),
        *((lambda handler: [RegisterEventHandler(handler), UnregisterEventHandler(handler)])(
            OnProcessStart(on_start=[LogInfo(msg="removed")]))),
        python("print(1)"), python("print(2)"),
    """)
    assert result.output.count("once") == 1
    assert "removed" not in result.output


def test_events_stop_and_signal_single_processes(workspace: Any) -> None:
    code = "import signal; signal.signal(signal.SIGUSR1, lambda *a: print('usr1')); print('up'); [signal.pause() for _ in '12']"
    result = workspace.launch(f'''
        *((lambda one: [
            one,
            RegisterEventHandler(OnProcessIO(target_action=one, on_stdout=lambda event:
                EmitEvent(event=SignalProcess(signal_number="SIGUSR1", process_matcher=matches_action(one)))
                if b"up" in event.text else EmitEvent(event=ShutdownProcess(process_matcher=matches_action(one)))
                if b"usr1" in event.text else None)),
        ])(python("{code}"))),
    ''')
    assert re.search(r"^\[py-1\] (up)?usr1$", result.output, re.M), result.output
    assert "sending signal 'SIGINT' to process[py-1]" in result.output
    assert result.code == 0
