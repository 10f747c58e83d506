"""Parameters of the node ``sim_bridge``."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option


@dataclass(frozen=True)
class SimBridgeConfig:
    """Parameters of ``sim_bridge``; options of the task are ``<task>.<option>``, limits are ``safety.<option>``."""

    task: str = option("peg_insert", "name of the task plug-in, or gym:<id>, or dm:<name>")
    seed: int = option(0, "episode n draws its randomness from (seed, n)", low=0, high=2**31 - 1)
    episodes_alike: int = option(
        1, "so many episodes after one another draw the same, for learners that compare them", low=1, high=100_000
    )
    time: str = option(
        "lockstep", "wait for each command, or tick on the steady clock", choices=("lockstep", "realtime")
    )
    rate_hz: float = option(0.0, "ticks in realtime; 0 is the task's own rate", unit="Hz", low=0.0, high=1000.0)
    command_timeout_s: float = option(
        0.5,
        "without a command for so long diagnostics complain, and in lockstep the bridge asks again; "
        "in realtime the arm stands still at every tick whose observation was not answered",
        unit="s",
        low=0.001,
        high=60.0,
    )
    learner_lag_steps: int = option(
        -1, "lockstep: steps that the learner may be behind; 0 is in sync, -1 does not wait", low=-1, high=10_000
    )
    recorder_lag_steps: int = option(
        -1, "lockstep: steps that the recorder may be behind in taking them, -1 does not wait", low=-1, high=10_000
    )
    reward_classifier: str = option(
        "", "directory of a reward classifier, which then says what is rewarded; empty: the task does"
    )
    headless: bool = option(True, "run without MuJoCo's viewer")
    continues: bool = option(False, "go on with a run: wait for learner/status and begin after the step that it names")
    curriculum: bool = option(
        False, "begin each episode as the learner says on curriculum/plan; implies continues, for it says so at first"
    )
    film: bool = option(False, "publish the front view at each step on film/image_raw, for people")
