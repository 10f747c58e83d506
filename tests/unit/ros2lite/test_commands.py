"""`ros2 launch --show-args`, `ros2 run`, `ros2 pkg`, and what they say to wrong input."""

# ruff: noqa: E501 (launch files and their messages stand here as they are)

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest

ARGUMENTS = """
    DeclareLaunchArgument("task", default_value="peg_insert", description="Which task."),
    DeclareLaunchArgument("operator", default_value="scripted", choices=["scripted", "none"]),
    DeclareLaunchArgument("seed"),
    DeclareLaunchArgument("folder", default_value=[EnvironmentVariable("HOME"), "/x"], description="where",
                          condition=IfCondition("false")),
"""


def test_the_arguments_of_a_launch_file_are_shown_as_ros_shows_them(workspace: Any) -> None:
    workspace.launch_file(ARGUMENTS)
    result = workspace.ros2("launch", "fake_pkg", "it.launch.py", "--show-args")
    assert result.code == 0
    assert result.output == (
        "Arguments (pass arguments as '<name>:=<value>'):\n"
        "\n    'task':\n        Which task.\n        (default: 'peg_insert')\n"
        "\n    'operator':\n        One of: ['scripted', 'none']\n        (default: 'scripted')\n"
        "\n    'seed':\n        no description given\n"
        "\n    'folder':*\n        where\n        (default: EnvVar('HOME') + '/x')\n"
        "\n* argument(s) which are only used if specific conditions occur\n"
    )
    assert not workspace.logs.exists()


def test_arguments_of_included_files_are_shown_too(workspace: Any) -> None:
    workspace.launch_file(ARGUMENTS, name="inner.launch.py")
    outer = workspace.launch_file("""
        GroupAction([IncludeLaunchDescription([ThisLaunchFileDir(), "/inner.launch.py"])]),
        IncludeLaunchDescription([FindPackageShare("fake_pkg"), "/launch/inner.launch.py"]),
    """)
    assert "'task':\n" in workspace.ros2("launch", str(outer), "-s").output


def test_showing_arguments_imports_no_ros(workspace: Any) -> None:
    workspace.launch_file(
        ARGUMENTS + 'OpaqueFunction(function=lambda c: None),LogInfo(msg=str(sys.modules.get("rclpy"))),'
        'DeclareLaunchArgument("modules", default_value=",".join(m for m in ("rclpy", "lifecycle_msgs") if m in sys.modules)),'
        'LifecycleNode(package="p", executable="e", name="n", namespace=""),'
    )
    assert "'modules':\n        no description given\n        (default: '')" in workspace.ros2(
        "launch", "fake_pkg", "it.launch.py", "--show-args"
    ).output  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["fake_pkg", "no.launch.py"],
            "launch file 'no.launch.py' not found in package 'fake_pkg'; known here: it.launch.py",
        ),
        (["fake_pkg"], "launch file '' not found in package 'fake_pkg'; known here: it.launch.py"),
        (
            ["no/such.launch.py"],
            "launch file 'no/such.launch.py' not found; expected a path, or a package and a file name",
        ),
        (["fake_pkg", "it.launch.py", "seed=1"], "malformed launch argument 'seed=1', expected '<name>:=<value>'"),
    ],
)
def test_a_wrong_launch_command_names_what_exists(workspace: Any, arguments: list[str], complaint: str) -> None:
    workspace.launch_file(ARGUMENTS)
    result = workspace.ros2("launch", *arguments)
    assert (result.code, result.error) == (1, f"ros2: error: {complaint}\n")


def test_an_unknown_package_names_those_with_launch_files(workspace: Any) -> None:
    workspace.launch_file(ARGUMENTS)
    workspace.add_package("empty_pkg")
    result = workspace.ros2("launch", "no_pkg", "it.launch.py")
    assert (result.code, len(result.error.splitlines())) == (1, 1)
    assert "package 'no_pkg' not found; known here: fake_pkg" in result.error
    assert "empty_pkg" not in result.error


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "misses the required argument 'seed' (no description given); given: none"),
        (["seed:=1", "operator:=me"], "Argument 'operator' provided value 'me' is not valid. Valid options are: ['scripted', 'none']"),
    ],
)  # fmt: skip
def test_a_wrong_argument_ends_the_launch_with_the_valid_values(
    workspace: Any, arguments: list[str], complaint: str
) -> None:
    result = workspace.launch(ARGUMENTS, *arguments)
    assert result.code == 1
    assert complaint in result.output
    assert result.output.count("[ERROR]") == 1


def test_an_argument_nobody_declared_is_pointed_out_but_works(workspace: Any) -> None:
    result = workspace.launch(ARGUMENTS + 'LogInfo(msg=["got ", LaunchConfiguration("sede")]),', "seed:=1", "sede:=2")
    assert result.code == 0
    assert (
        "[WARNING] [launch]: launch argument 'sede' is not declared; declared: task, operator, seed, folder"
        in result.output
    )
    assert "got 2" in result.output


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('ComposableNodeContainer(name="x"),', "line 21: NameError: name 'ComposableNodeContainer' is not defined"),
        ("__import__('launch_ros.actions', fromlist=['ComposableNodeContainer']),",
         "launch_ros.actions.ComposableNodeContainer is not covered by ros2lite; a full ROS 2 provides it"),
        ("__import__('launch.frontend'),", "launch.frontend is not covered by ros2lite (imported by '"),
        ('LogInfo(msg="x", color="red"),', "LogInfo(color=...) is not covered by ros2lite; a full ROS 2 provides it"),
        ('ExecuteProcess(cmd=["x"], output="paper"),', "output is 'paper', expected one of screen, log, both, own_log, full"),
        ('DeclareLaunchArgument("a", default_value="x", choices=["y"]),', "has the default 'x', which is none of its choices ['y']"),
        ('SignalProcess(signal_number="SIGNOTHING", process_matcher=None),', "signal 'SIGNOTHING' unknown, expected one of SIGHUP"),
        ("nonsense(", "SyntaxError"),
    ],
)  # fmt: skip
def test_a_launch_file_with_a_mistake_ends_with_one_line(workspace: Any, body: str, complaint: str) -> None:
    result = workspace.launch(body)
    assert result.code == 1
    assert complaint in result.error
    assert len(result.error.splitlines()) == 1


def test_other_launch_file_formats_are_named_as_missing(workspace: Any) -> None:
    (workspace.prefix / "share" / "fake_pkg" / "launch" / "x.launch.xml").write_text("<launch/>")
    result = workspace.ros2("launch", "fake_pkg", "x.launch.xml")
    assert result.code == 1
    assert "launch file format '.xml'" in result.error
    assert "not covered by ros2lite (covered: .py); a full ROS 2 provides it" in result.error


def test_a_wrong_node_ends_the_launch_with_the_valid_names(workspace: Any) -> None:
    workspace.executable("report", "print(1)")
    result = workspace.launch('Node(package="fake_pkg", executable="repotr"),')
    assert result.code == 1
    assert "executable 'repotr' not found in package 'fake_pkg'; known here: report" in result.output


def test_run_becomes_the_executable(workspace: Any) -> None:
    workspace.executable("tool", "import os, sys; print(os.getpid(), sys.argv[1:]); sys.exit(5)")
    tool = workspace.start("run", "fake_pkg", "tool", "--flag", "-x", "a b")
    assert tool.wait() == 5
    assert tool.output == f"{tool.process.pid} ['--flag', '-x', 'a b']\n"


def test_a_signal_to_run_is_one_to_the_executable(workspace: Any) -> None:
    workspace.executable("tool", "import signal; print('up', flush=True); signal.pause()")
    tool = workspace.start("run", "fake_pkg", "tool")
    tool.wait_for("up")
    tool.process.send_signal(signal.SIGTERM)
    assert tool.wait() == -signal.SIGTERM


def test_run_takes_a_prefix_and_gives_the_search_path_to_the_executable(workspace: Any) -> None:
    workspace.executable("tool", "import os; print(os.environ['EXTRA'], os.environ['AMENT_PREFIX_PATH'])")
    result = workspace.ros2("run", "--prefix", "env EXTRA=1", "fake_pkg", "tool")
    assert result.output == f"1 {workspace.prefix}:{sys.prefix}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no_pkg", "tool"], "package 'no_pkg' not found; known here: fake_pkg"),
        (["fake_pkg", "tol"], "executable 'tol' not found in package 'fake_pkg'; known here: tool"),
        (
            ["--prefix", "no_such_prefix", "fake_pkg", "tool"],
            "'no_such_prefix' cannot be executed: No such file or directory",
        ),
    ],
)
def test_a_wrong_run_command_names_what_exists(workspace: Any, arguments: list[str], complaint: str) -> None:
    workspace.executable("tool", "pass")
    result = workspace.ros2("run", *arguments)
    assert (result.code, result.error.startswith(f"ros2: error: {complaint}")) == (1, True), result.error


def test_packages_and_executables_are_listed(workspace: Any) -> None:
    tool = workspace.executable("tool", "pass")
    assert "fake_pkg" in workspace.ros2("pkg", "list").output.splitlines()
    assert workspace.ros2("pkg", "prefix", "fake_pkg").output == f"{workspace.prefix}\n"
    assert workspace.ros2("pkg", "executables", "fake_pkg").output == "fake_pkg tool\n"
    assert workspace.ros2("pkg", "executables", "--full-path", "fake_pkg").output == f"{tool}\n"


def test_an_earlier_prefix_hides_a_later_one(workspace: Any, tmp_path: Any) -> None:
    overlay = type(workspace)(tmp_path / "overlay")
    overlay.executable("tool", "print('overlay')")
    workspace.executable("tool", "print('underlay')")
    workspace.environment["AMENT_PREFIX_PATH"] = f"{overlay.prefix}:{workspace.prefix}"
    assert workspace.ros2("run", "fake_pkg", "tool").output == "overlay\n"
