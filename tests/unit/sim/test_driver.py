"""The robot that knows no task: its controllers, its sensors, its time."""

from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.sim.arm import HOME_RAD
from vlmrl_ros.sim.driver import RATE_HZ, ArmDriver
from vlmrl_ros.sim.load import build
from vlmrl_ros.sim.robot import JOINT_SPEED_RAD_S

TIMEOUT_S = 0.25
HOME = np.array(HOME_RAD)


def switched_on(cell: str = "peg_insert", seed: int = 0, **options: float) -> ArmDriver:
    return ArmDriver(build(cell, {"rate_hz": RATE_HZ, **options}), seed, TIMEOUT_S)


def run(arm: ArmDriver, duration_s: float) -> None:
    for _ in range(round(duration_s / 0.01)):
        arm.tick()


def angles(arm: ArmDriver) -> np.ndarray:
    return np.array([arm.read().positions[f"joint_{i}"] for i in range(1, 8)])


def test_it_stands_at_home_and_feels_no_force():
    arm = switched_on()
    run(arm, 1.0)
    np.testing.assert_allclose(angles(arm), HOME, atol=2e-3)
    reading = arm.read()
    assert np.abs(reading.force).max() < 0.2
    assert max(map(abs, reading.velocities.values())) < 1e-3
    np.testing.assert_allclose(np.abs(reading.quaternion), [0, 0, 1, 0], atol=2e-3, err_msg="the hand points down")


def test_a_twist_moves_the_tip_at_its_speed_and_runs_out():
    arm = switched_on()
    start = arm.read().tip
    for _ in range(10):
        arm.twist(np.array([0.05, -0.08, 0.02]))
        run(arm, 0.1)
    np.testing.assert_allclose(arm.read().tip - start, [0.05, -0.08, 0.02], atol=0.003)
    run(arm, TIMEOUT_S + 0.3)
    stopped = arm.read().tip
    assert np.linalg.norm(stopped - start) < np.linalg.norm([0.05, -0.08, 0.02]) * (1 + TIMEOUT_S) + 0.003
    run(arm, 0.5)
    np.testing.assert_allclose(arm.read().tip, stopped, atol=2e-4)


def test_joint_speeds_turn_the_joints_and_run_out():
    arm = switched_on()
    for _ in range(5):
        arm.velocity(np.array([0.2, 0, 0, -0.1, 0, 0, 0.3]))
        run(arm, 0.1)
    np.testing.assert_allclose(angles(arm) - HOME, [0.1, 0, 0, -0.05, 0, 0, 0.15], atol=0.01)
    run(arm, TIMEOUT_S + 0.3)
    stopped = angles(arm)
    run(arm, 0.5)
    np.testing.assert_allclose(angles(arm), stopped, atol=1e-3)
    np.testing.assert_allclose((stopped - HOME)[0], 0.2 * (0.5 + TIMEOUT_S - 0.1), atol=0.01)


def test_a_joint_position_is_reached_no_faster_than_the_robot_can_and_held():
    arm = switched_on()
    target = HOME + np.array([0.6, 0, 0, 0, 0, 0, 0])
    arm.position(target)
    run(arm, 0.2)
    assert 0.05 < angles(arm)[0] - HOME[0] < JOINT_SPEED_RAD_S * 0.2 + 0.01
    run(arm, 3.0)
    np.testing.assert_allclose(angles(arm), target, atol=2e-3)


def test_a_trajectory_passes_its_points_in_time_and_holds_the_last():
    arm = switched_on()
    first, last = HOME + 0.1, HOME - 0.05
    arm.trajectory(np.array([0.5, 1.5]), np.stack([first, last]))
    run(arm, 0.5)
    np.testing.assert_allclose(angles(arm), first, atol=0.02)
    run(arm, 2.0)
    np.testing.assert_allclose(angles(arm), last, atol=2e-3)


def test_an_empty_trajectory_stops_the_motion():
    arm = switched_on()
    arm.trajectory(np.array([2.0]), (HOME + 0.5)[None])
    run(arm, 0.5)
    arm.trajectory(np.zeros(0), np.zeros((0, 7)))
    run(arm, 0.3)
    stopped = angles(arm)
    run(arm, 0.5)
    np.testing.assert_allclose(angles(arm), stopped, atol=1e-3)
    assert 0.08 < stopped[0] - HOME[0] < 0.2


@pytest.mark.parametrize("way", ["twist", "position"])
def test_a_blocked_arm_pushes_no_harder_than_its_leash_allows(way):
    arm = switched_on(hole_range_x_mm=0.0, hole_range_y_mm=0.0)
    for _ in range(40):
        if way == "twist":
            arm.twist(np.array([0.0, 0.0, -0.1]))
        else:
            arm.position(HOME + np.array([0, 0.6, 0, 0, 0, 0, 0]))
        run(arm, 0.1)
    reading = arm.read()
    assert reading.tip[2] > 0.045, "the block holds"
    assert 20.0 < reading.force[2] < 150.0


def test_tip_commands_go_on_from_where_joint_commands_have_led():
    arm = switched_on()
    arm.position(HOME + np.array([0.3, 0, 0, 0, 0, 0, 0]))
    run(arm, 2.0)
    before = arm.read().tip
    arm.twist(np.zeros(3))
    run(arm, 0.5)
    np.testing.assert_allclose(arm.read().tip, before, atol=2e-3)


def test_fingers_follow_where_the_hand_has_them():
    arm = switched_on("pick_lift")
    assert arm.has_fingers
    assert arm.read().positions["finger_left"] == pytest.approx(0.035, abs=1e-3)
    arm.grip(0.005)
    run(arm, 1.0)
    assert arm.read().positions["finger_right"] == pytest.approx(0.005, abs=1e-3)
    assert not switched_on("peg_insert").has_fingers


@pytest.mark.parametrize("cell", ["peg_insert", "pick_lift", "reach"])
def test_a_helper_moves_the_workpiece_and_not_the_arm(cell):
    task = build(cell, {"rate_hz": RATE_HZ})
    arm = ArmDriver(task, 0, TIMEOUT_S)
    places, start = [], angles(arm)
    for _ in range(5):
        assert arm.shuffle()
        places.append(task.workpiece().position)
    np.testing.assert_allclose(angles(arm), start, atol=1e-9)
    assert len({tuple(place) for place in places}) == 5
    again = build(cell, {"rate_hz": RATE_HZ})
    assert ArmDriver(again, 0, TIMEOUT_S).shuffle()
    np.testing.assert_array_equal(again.workpiece().position, places[0], "one seed gives the same places")


def test_a_hand_in_the_way_keeps_the_workpiece_where_it_is():
    task = build("peg_insert", {"rate_hz": RATE_HZ})
    arm = ArmDriver(task, 0, TIMEOUT_S)
    hole = task.workpiece().position
    task.robot.place(hole + np.array([0, 0, -0.02]))
    assert not arm.shuffle()
    np.testing.assert_array_equal(task.workpiece().position, hole)


def test_the_estimate_errs_within_its_bound_and_anew_at_each_place():
    task = build("peg_insert", {"rate_hz": RATE_HZ, "estimate_error_mm": 2.0})
    arm = ArmDriver(task, 0, TIMEOUT_S)
    errors = []
    for _ in range(20):
        arm.shuffle()
        workpiece = task.workpiece()
        errors.append(workpiece.estimate - workpiece.position)
    assert np.abs(errors).max() <= 0.002
    assert np.std(errors, axis=0)[:2].min() > 0.0005


def test_simulated_time_keeps_up_with_the_steady_clock_and_leaves_a_long_pause_out():
    arm = switched_on()
    assert arm.catch_up(100.0) == 0
    for now_s in (100.013, 100.019, 100.055):
        assert arm.catch_up(now_s) == 0
        assert arm.now_s == pytest.approx(now_s - 100.0, abs=0.0051)
    left_out = arm.catch_up(110.0)
    assert left_out > 900
    assert arm.catch_up(110.1) == 0
    assert arm.now_s == pytest.approx(10.1 - left_out * 0.01, abs=0.0051)
