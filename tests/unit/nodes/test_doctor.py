"""The doctor on this machine, and on one that is ill."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.processes import free_domain

from vlmrl_ros.nodes import doctor
from vlmrl_ros.nodes.checks import clocks, devices, disk, graphics, network, packages, ros, transport
from vlmrl_ros.nodes.checks.finding import Level

QUICK = ("ros", "packages", "devices", "clocks", "disk", "network")


def by_name(findings) -> dict:
    return {finding.name: finding for finding in findings}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vlmrl_ros.nodes.doctor", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


@pytest.fixture
def domain(monkeypatch):
    with free_domain() as number:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(number))
        monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        yield number


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> subprocess.CompletedProcess[str]:
    return run("--json", "--only", *QUICK, "--runs", str(tmp_path_factory.mktemp("runs")))


def test_the_json_has_every_finding_and_the_exit_status_says_whether_something_needed_fails(report):
    found = json.loads(report.stdout)
    assert set(found["findings"]) == set(QUICK)
    levels = [finding["level"] for group in found["findings"].values() for finding in group]
    assert len(levels) > 12
    assert found["failed"] == levels.count("failed")
    assert report.returncode == (1 if found["failed"] else 0)


def test_what_is_not_well_comes_with_what_to_do(report):
    findings = [finding for group in json.loads(report.stdout)["findings"].values() for finding in group]
    assert all(finding["fix"] for finding in findings if finding["level"] != "ok")
    assert not any(finding["fix"] for finding in findings if finding["level"] == "ok")


def test_the_table_for_people_names_what_is_wrong_and_the_exit_status_is_not_zero(tmp_path):
    shown = run("--only", "network", "--runs", str(tmp_path), ROS_DOMAIN_ID="1234")
    assert shown.returncode == 1
    assert "ROS_DOMAIN_ID is '1234'" in shown.stdout
    assert "1 needed checks failed" in shown.stdout


def test_a_check_that_breaks_is_a_finding(monkeypatch, tmp_path):
    monkeypatch.setattr(ros, "check", lambda: 1 / 0)
    (finding,) = doctor.examine(["ros"], tmp_path)["ros"]
    assert finding.level is Level.FAILED
    assert "ZeroDivisionError" in finding.found


def test_messages_go_to_another_process_and_back(domain):
    found = by_name(transport.check())
    assert found["round trip"].level is not Level.FAILED, found["round trip"]
    assert found["image"].level is not Level.FAILED, found["image"]
    assert float(found["round trip"].found.split(" ms")[0]) > 0.01


def test_where_nobody_answers_the_transport_has_failed(domain, monkeypatch):
    monkeypatch.setattr(transport, "MATCH_S", 0.2)
    monkeypatch.setattr(transport, "ECHO", "this")  # the standard library's, which answers nothing
    (finding,) = transport.check()
    assert finding.level is Level.FAILED
    assert "no other process was found within 0.2 s" in finding.found


def test_a_frame_is_rendered_in_a_process_of_its_own():
    (finding,) = graphics.check()
    assert finding.level is not Level.FAILED, finding
    assert "colours" in finding.found


def test_a_backend_that_does_not_render_has_failed(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "none")
    (finding,) = graphics.check()
    assert finding.level is Level.FAILED
    assert "libegl1" in finding.fix


def test_a_directory_that_cannot_be_written_has_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.os, "access", lambda *_: False)  # root may write everywhere
    (finding,) = disk.check(tmp_path / "runs" / "not" / "there")
    assert (finding.level, str(tmp_path) in finding.found) == (Level.FAILED, True)


def test_a_file_where_runs_shall_go_has_failed(tmp_path):
    (tmp_path / "file").write_text("")
    for runs in (tmp_path / "file", tmp_path / "file" / "runs"):
        (finding,) = disk.check(runs)
        assert (finding.level, finding.found) == (Level.FAILED, f"{tmp_path / 'file'} is no directory")


def test_a_full_disk_has_failed_and_is_not_filled_further(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "ALMOST_FULL", 2**62)
    monkeypatch.setattr(disk, "WRITTEN", 2**61)
    (finding,) = disk.check(tmp_path)
    assert (finding.name, finding.level) == ("space", Level.FAILED)


def test_a_wall_clock_that_is_set_while_it_is_watched_is_seen(monkeypatch):
    apart_ms, late_ms = clocks.watch(0.05)
    assert 0 <= apart_ms < 50
    assert late_ms > 0
    jumping = iter(range(10**6))
    monkeypatch.setattr(clocks.time, "time", lambda: clocks.time.monotonic() + (next(jumping) > 5))
    assert clocks.watch(0.05)[0] == pytest.approx(1000, abs=1)
    assert clocks._jumps(1000.0).level is Level.WARNING


def test_a_missing_requirement_is_named(monkeypatch):
    monkeypatch.setattr(packages.metadata, "requires", lambda _: ["numpy>=99", "no-such-package", 'x; extra == "gym"'])
    finding = packages._versions()
    assert finding.level is Level.FAILED
    assert "numpy is" in finding.found
    assert "no-such-package is missing" in finding.found
    assert "x is" not in finding.found


def test_a_message_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(ros, "NEEDED", ("std_msgs", "martian_msgs"))
    finding = ros._messages()
    assert finding.level is Level.FAILED
    assert "martian_msgs" in finding.found
    assert "std_msgs" not in finding.found


def test_a_joystick_that_may_not_be_read_comes_with_the_group_to_join(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "JOYSTICKS", str(tmp_path / "js*"))
    assert devices._joystick().found == "none"
    (tmp_path / "js0").touch()
    assert devices._joystick().level is Level.OK
    monkeypatch.setattr(devices.os, "access", lambda *_: False)
    assert "usermod -aG input" in devices._joystick().fix


@pytest.mark.parametrize(
    ("variable", "value", "name", "level"),
    [
        ("ROS_DOMAIN_ID", "233", "domain", Level.FAILED),
        ("ROS_DOMAIN_ID", "", "domain", Level.OK),
        ("ROS_DOMAIN_ID", "150", "domain", Level.WARNING),
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "OFF", "discovery", Level.FAILED),
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "HOME", "discovery", Level.FAILED),
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "", "discovery", Level.WARNING),
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST", "discovery", Level.OK),
    ],
)
def test_the_environment_of_ros_is_judged(monkeypatch, variable, value, name, level):
    monkeypatch.delenv("ROS_LOCALHOST_ONLY", raising=False)
    monkeypatch.setattr(network, "ANSWER_S", 0.2)
    monkeypatch.setenv(variable, value)
    assert by_name(network.check())[name].level is level


def test_a_network_without_multicast_is_said(monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("No such device")

    monkeypatch.setattr(socket.socket, "setsockopt", refuse)
    finding = network._multicast("SUBNET")
    assert finding.level is Level.WARNING
    assert "No such device" in finding.found


def test_every_group_is_a_module():
    modules = {path.stem for path in Path(ros.__file__).parent.glob("*.py")}
    assert set(doctor.GROUPS) <= modules
