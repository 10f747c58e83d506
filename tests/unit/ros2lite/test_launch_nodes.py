"""What a node of a launch file gets: its argument vector, parameters, names and environment."""

# ruff: noqa: E501 (launch files and their messages stand here as they are)

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

REPORT = """
    import json, os, sys
    files = {arg: open(arg).read() for arg in sys.argv if "launch_params_" in arg}
    wanted = {name: os.environ.get(name) for name in ("COLOR", "EXTRA", "AMENT_PREFIX_PATH", "LD_LIBRARY_PATH")}
    print("REPORT " + json.dumps({"argv": sys.argv, "files": files, "env": wanted, "cwd": os.getcwd()}))
"""


@pytest.fixture
def launched(workspace: Any) -> Callable[..., list[dict[str, Any]]]:
    """Launches a body and returns what its `report` nodes say, by their number."""
    workspace.executable("report", REPORT)

    def launch(body: str, *arguments: str) -> list[dict[str, Any]]:
        result = workspace.launch(body, *arguments)
        assert result.code == 0, result.output + result.error
        found = re.findall(r"\[\w+-(\d+)\] REPORT (.*)", result.output)
        return [json.loads(text) for _, text in sorted(found, key=lambda entry: int(entry[0]))]

    return launch


def rules(report: dict[str, Any]) -> list[str]:
    """Arguments behind the program, parameter files shown as their content."""
    return [
        json.dumps(yaml.safe_load(report["files"][arg])) if arg in report["files"] else arg
        for arg in report["argv"][1:]
    ]


def test_the_argument_vector_is_that_of_the_real_launch(launched: Any, workspace: Any) -> None:
    (report,) = launched("""
        Node(package="fake_pkg", executable="report", name="arm", namespace="lab", output="screen",
             arguments=["--one", ["t", "wo"]], ros_arguments=["--log-level", "debug"],
             parameters=[{"rate": 20, "on": True, "nested": {"list": [1.0, 2]}}, Parameter("q", "a b")],
             remappings=[("joy", "pad/joy"), (["~/", "x"], "/y")]),
    """)
    assert report["argv"][0] == str(workspace.prefix / "lib" / "fake_pkg" / "report")
    values = {"/lab/arm": {"ros__parameters": {"nested.list": [1.0, 2.0], "on": True, "rate": 20}}}
    assert rules(report) == [
        "--one", "two", "--ros-args", "--log-level", "debug", "--ros-args", "-r", "__node:=arm", "-r", "__ns:=/lab",
        "--params-file", json.dumps(values), "-p", "q:=a b", "-r", "joy:=pad/joy", "-r", "~/x:=/y",
    ]  # fmt: skip


def test_a_node_without_a_name_keeps_its_own(launched: Any) -> None:
    bare, named = launched("""
        Node(package="fake_pkg", executable="report", output="screen"),
        Node(package="fake_pkg", executable="report", output="screen", name="arm", parameters=[{"a": "1"}]),
    """)
    assert rules(bare) == ["--ros-args"]
    everywhere = json.dumps({"/**": {"ros__parameters": {"a": "1"}}})
    assert rules(named) == ["--ros-args", "-r", "__node:=arm", "--params-file", everywhere]


def test_parameter_files_are_handed_over_and_temporary_ones_removed(
    launched: Any, workspace: Any, tmp_path: Any
) -> None:
    source = tmp_path / "params.yaml"
    source.write_text("arm: {ros__parameters: {a: 1}}")
    (report,) = launched(
        """
        DeclareLaunchArgument("params_file"),
        Node(package="fake_pkg", executable="report", name="arm", namespace="", output="screen",
             parameters=[LaunchConfiguration("params_file"), {"a": 2}]),
        """,
        f"params_file:={source}",
    )
    first, second = (report["argv"][i + 1] for i, arg in enumerate(report["argv"]) if arg == "--params-file")
    assert first == str(source)
    assert yaml.safe_load(report["files"][second])
    assert not workspace.root.joinpath(second).exists()


def test_a_missing_parameter_file_ends_the_launch(workspace: Any) -> None:
    workspace.executable("report", REPORT)
    result = workspace.launch('Node(package="fake_pkg", executable="report", name="n", parameters=["/no/such.yaml"]),')
    assert result.code == 1
    assert "parameter file '/no/such.yaml' of node" in result.output


def test_a_group_scopes_namespace_parameters_remappings_and_configurations(launched: Any) -> None:
    inside, outside = launched("""
        SetLaunchConfiguration("who", "outer"),
        GroupAction([
            PushRosNamespace("lab"), PushRosNamespace("left"),
            SetParameter("use_sim_time", True), SetRemap("a", "b"), SetLaunchConfiguration("who", "inner"),
            SetEnvironmentVariable("COLOR", "red"),
            Node(package="fake_pkg", executable="report", namespace="arm", output="screen",
                 arguments=[LaunchConfiguration("who")]),
        ]),
        Node(package="fake_pkg", executable="report", output="screen", arguments=[LaunchConfiguration("who")]),
    """)
    assert rules(inside) == [
        "inner", "--ros-args", "-r", "__ns:=/lab/left/arm", "-p", "use_sim_time:=true", "-r", "a:=b",
    ]  # fmt: skip
    assert inside["env"]["COLOR"] == "red"
    assert rules(outside) == ["outer", "--ros-args"]
    assert outside["env"]["COLOR"] is None


def test_a_group_may_leave_its_settings_or_keep_others_out(launched: Any) -> None:
    isolated, after = launched("""
        SetLaunchConfiguration("who", "outer"),
        GroupAction([SetLaunchConfiguration("left", "behind")], scoped=False),
        GroupAction([
            Node(package="fake_pkg", executable="report", output="screen",
                 arguments=[LaunchConfiguration("who", default="nobody"), LaunchConfiguration("kept")]),
        ], forwarding=False, launch_configurations={"kept": LaunchConfiguration("who")}),
        Node(package="fake_pkg", executable="report", output="screen", arguments=[LaunchConfiguration("left")]),
    """)
    assert rules(isolated)[:2] == ["nobody", "outer"]
    assert rules(after)[0] == "behind"


def test_an_absolute_namespace_leaves_the_group(launched: Any) -> None:
    (report,) = launched("""
        PushRosNamespace("lab"),
        Node(package="fake_pkg", executable="report", namespace="/else", name="n", output="screen"),
    """)
    assert rules(report) == ["--ros-args", "-r", "__node:=n", "-r", "__ns:=/else"]


def test_conditions_choose_what_runs(launched: Any) -> None:
    reports = launched(
        """
        DeclareLaunchArgument("sim", default_value="false"),
        Node(package="fake_pkg", executable="report", output="screen", arguments=["sim"],
             condition=IfCondition(LaunchConfiguration("sim"))),
        Node(package="fake_pkg", executable="report", output="screen", arguments=["real"],
             condition=UnlessCondition(LaunchConfiguration("sim"))),
        GroupAction([Node(package="fake_pkg", executable="report", output="screen", arguments=["group"])],
             condition=IfCondition(EqualsSubstitution(LaunchConfiguration("sim"), "true"))),
        """,
        "sim:=true",
    )
    assert [rules(report)[0] for report in reports] == ["sim", "group"]


def test_an_included_file_gets_its_arguments_and_knows_its_place(launched: Any, workspace: Any) -> None:
    inner = workspace.launch_file(
        """
        DeclareLaunchArgument("who", default_value="default"),
        DeclareLaunchArgument("other", default_value="other"),
        Node(package="fake_pkg", executable="report", output="screen",
             arguments=[LaunchConfiguration("who"), LaunchConfiguration("other"), ThisLaunchFileDir()]),
        """,
        name="inner.launch.py",
    )
    first, second, own = launched("""
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource([FindPackageShare("fake_pkg"), "/launch/inner.launch.py"]),
            launch_arguments={"who": "first"}.items()),
        GroupAction([IncludeLaunchDescription(PathJoinSubstitution([FindPackageShare("fake_pkg"), "launch", "inner.launch.py"]),
            launch_arguments=[("who", ["sec", "ond"])])]),
        Node(package="fake_pkg", executable="report", output="screen", arguments=[ThisLaunchFile()]),
    """)
    assert rules(first)[:3] == ["first", "other", str(inner.parent)]
    assert rules(second)[:3] == ["second", "other", str(inner.parent)]
    assert rules(own)[0].endswith("it.launch.py")


def test_the_environment_reaches_the_node(launched: Any, workspace: Any) -> None:
    first, second = launched("""
        SetEnvironmentVariable("COLOR", "red"),
        AppendEnvironmentVariable("COLOR", "blue", separator="+"),
        AppendEnvironmentVariable("COLOR", "green", prepend=True, separator="+"),
        Node(package="fake_pkg", executable="report", output="screen", additional_env={"EXTRA": "1"}, cwd="/"),
        UnsetEnvironmentVariable("COLOR"),
        Node(package="fake_pkg", executable="report", output="screen", env={"EXTRA": "2"}),
    """)
    assert (first["env"]["COLOR"], first["env"]["EXTRA"], first["cwd"]) == ("green+red+blue", "1", "/")
    assert first["env"]["AMENT_PREFIX_PATH"].split(":")[0] == str(workspace.prefix)
    assert (second["env"]["COLOR"], second["env"]["EXTRA"], second["env"]["AMENT_PREFIX_PATH"]) == (None, "2", None)


def test_a_prefix_command_is_put_before_the_executable(launched: Any) -> None:
    first, second = launched(
        """
        Node(package="fake_pkg", executable="report", output="screen", prefix="env EXTRA=own", exec_name="one"),
        Node(package="fake_pkg", executable="report", output="screen", exec_name="two"),
        """,
        "--launch-prefix", "env EXTRA=all", "--launch-prefix-filter", "rep",
    )  # fmt: skip
    assert (first["env"]["EXTRA"], second["env"]["EXTRA"]) == ("own", "all")


def test_a_function_may_decide_what_runs(launched: Any) -> None:
    reports = launched("""
        OpaqueFunction(function=lambda context, count: [
            Node(package="fake_pkg", executable="report", output="screen", arguments=[str(i)]) for i in range(count)
        ], args=[3]),
    """)
    assert [rules(report)[0] for report in reports] == ["0", "1", "2"]


def test_two_nodes_of_one_name_are_pointed_out(workspace: Any) -> None:
    workspace.executable("report", REPORT)
    twin = 'Node(package="fake_pkg", executable="report", name="arm", namespace="/"),'
    assert "there are now at least 2 nodes with the name /arm" in workspace.launch(twin + twin).output


def test_a_node_that_replaces_one_of_its_name_is_no_twin(workspace: Any) -> None:
    workspace.executable("dies", "raise SystemExit(3)")
    node = 'Node(package="fake_pkg", executable="dies", name="arm", namespace="/"{})'
    answer = ", on_exit=lambda event, context: " + node.format("")
    result = workspace.launch(node.format(answer) + ",")
    assert result.output.count("process started with pid") == 2
    assert "there are now at least" not in result.output
