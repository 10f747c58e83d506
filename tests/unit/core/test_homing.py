from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.arm_sections import HomeConfig, ResetConfig
from vlmrl_ros.core.homing import Homing, Place, Stage
from vlmrl_ros.core.rotations import IDENTITY
from vlmrl_ros.core.spec import VectorSpec

DT_S = 0.1
BOUND = np.full(3, 0.2, np.float32)
ACTION = VectorSpec(("linear_x", "linear_y", "linear_z"), ("m/s",) * 3, -BOUND, BOUND)
HOME = (0.5, 0.0, 0.2)
RESET = {"lift_z_m": 0.3, "start_low": (-0.02, -0.02, -0.1), "start_high": (0.02, 0.02, -0.1)}


def homing(**reset) -> Homing:
    made = Homing(ResetConfig(**{**RESET, **reset}), HomeConfig(position=HOME), ACTION, DT_S, seed=0)
    made.begin(0)
    return made


def follow(made: Homing, tip, around=None, steps: int = 300) -> list[np.ndarray]:
    """An arm that does what it is told; the way of its tip."""
    way = [np.array(tip)]
    for _ in range(steps):
        velocity = made.propose(Place(way[-1], IDENTITY, around))
        if made.stage is Stage.SERVICE:
            made.served()
        if made.stage is Stage.DONE:
            break
        way.append(way[-1] + velocity * DT_S)
    return way


def test_the_way_leads_up_sideways_and_down_to_the_start():
    made = homing()
    way = np.array(follow(made, (0.6, 0.2, 0.02)))
    assert made.stage is Stage.DONE
    sideways = np.abs(np.diff(way[:, :2], axis=0)).max(axis=1) > 1e-3
    low = np.minimum(way[:-1, 2], way[1:, 2]) < 0.15
    assert not (sideways & low).any(), "it goes sideways only where it has been lifted"
    assert (np.abs(way[-1] - HOME)[:2] <= 0.02 + 0.002).all()
    assert way[-1][2] == pytest.approx(0.1, abs=0.003)


def test_no_faster_than_its_own_speed():
    way = np.array(follow(homing(speed_m_s=0.05), (0.6, 0.2, 0.02)))
    assert np.abs(np.diff(way, axis=0)).max() <= 0.05 * DT_S + 1e-6


def test_the_start_of_an_episode_is_drawn_by_its_number():
    ends = []
    for episode in (0, 1, 0):
        made = homing()
        made.begin(episode)
        ends.append(follow(made, HOME)[-1])
    np.testing.assert_allclose(ends[0], ends[2])
    assert not np.allclose(ends[0], ends[1])


def test_where_the_start_lies_around_a_workpiece_it_waits_until_that_is_seen():
    made = homing(around="workpiece")
    follow(made, HOME)
    assert made.stage is Stage.OVER_START
    way = follow(made, HOME, around=np.array([0.4, 0.1, 0.15]))
    assert made.stage is Stage.DONE
    assert (np.abs(way[-1][:2] - [0.4, 0.1]) <= 0.022 + 1e-9).all()
