"""Each mistake of a user: one clear line that names the bad value and the valid ones, and nothing is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.processes import Stage

from vlmrl_ros.core import registry

pytestmark = [pytest.mark.launch, pytest.mark.timeout(120)]


def refused(stage: Stage, *arguments: str, line: str, env: dict[str, str] | None = None) -> None:
    """The launch ends with an error, of which one line says everything."""
    left = sorted(stage.root.glob("work/**/*"))
    launched = stage.launch(*arguments, env=env)
    assert launched.wait(60.0) != 0, launched.output
    assert line in launched.output, launched.output
    assert "Traceback" not in launched.output, launched.output
    assert sorted(stage.root.glob("work/**/*")) == left


TRAIN = "sim_train.launch.py"


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("task:=juggle", f"unknown task 'juggle'; valid: {', '.join(registry.names('tasks'))}"),
        (
            "task:=gym:FetchReach-v4",
            "task 'gym:FetchReach-v4' has no scripted operator (those with one: "
            f"{', '.join(registry.names('operators'))}); take operator:=none, joystick, spacemouse or joy",
        ),
        ("learner:=oracle", f"unknown learner 'oracle'; valid: {', '.join(registry.names('learners'))}"),
        (
            "operator:=ghost",
            "'operator' provided value 'ghost' is not valid. Valid options are: ['scripted', 'joystick'",
        ),
        ("max_step:=100", "unknown launch argument 'max_step'; valid: max_steps, "),
        ("max_steps:=abc", "launch argument max_steps is 'abc'; valid: a whole number"),
        ("headless:=maybe", "'headless' provided value 'maybe' is not valid. Valid options are: ['true', 'false']"),
        ("params_file:=nowhere.yaml", "params_file 'nowhere.yaml' is no file; valid: a YAML file of parameters"),
        (
            "observation:=smells",
            "'observation' provided value 'smells' is not valid. Valid options are: ['', 'state', ",
        ),
        ("device:=tpu", "'device' provided value 'tpu' is not valid. Valid options are: ['auto', 'cpu', 'cuda']"),
    ],
)
def test_a_bad_argument_is_refused_before_anything_starts(stage, argument, line):
    refused(stage, TRAIN, argument, line=line)


def test_a_task_without_a_scripted_operator_is_shown_by_a_person(stage):
    line = "; take operator:=joystick, spacemouse or joy"
    refused(stage, "record_demos.launch.py", "task:=point_maze", "operator:=scripted", line=line)


def test_sync_with_a_person_is_refused(stage):
    refused(stage, TRAIN, "operator:=joystick", "sync:=true", line="sync:=true needs lockstep")


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("max_steps:=-1", "learner.max_steps is -1; valid: 1 to 1e+09"),
        (
            "profile:=steering_wheel",
            "unknown joystick profile 'steering_wheel'; valid: <path>.yaml, ps, ps_kernel, scripted, spacemouse",
        ),
        ("task:=peg_insert", None),
    ],
)
def test_what_a_node_refuses_stops_the_launch_and_leaves_no_run(stage, argument, line):
    run = stage.root / "never"
    more, expected = [argument], line
    if line is None:
        rows = {"learner": {"max_step": 3}}
        more = [f"params_file:={stage.params_file(rows)}"]
        expected = "unknown parameter of learner 'max_step'; valid: max_steps, "
    refused(stage, TRAIN, f"run_dir:={run}", *more, line=expected)
    assert not run.exists()


def test_parameters_for_no_node_are_refused_and_those_for_one_that_is_not_launched_are_named(stage):
    params = stage.params_file({"/**/lerner": {"max_steps": 3}})
    line = f"unknown node in params_file '{params}' '/**/lerner'; valid: "
    refused(stage, TRAIN, f"params_file:={params}", line=line)
    params = stage.params_file({"/**/evaluate": {"episodes": 3}})
    line = f"params_file '{params}': '/**/evaluate' is for a node that is not launched here"
    refused(stage, TRAIN, f"params_file:={params}", "max_steps:=-1", line=line)


def test_a_bad_option_of_the_task_is_refused_and_leaves_no_run(stage):
    run = stage.root / "never"
    params = stage.params_file({"sim_bridge": {"reach.tolerance_mm": 500.0}})
    line = "task reach.tolerance_mm is 500; valid: 1 to 50 mm"
    refused(stage, TRAIN, "task:=reach", f"run_dir:={run}", f"params_file:={params}", line=line)
    assert not run.exists()


@pytest.mark.parametrize("checkpoint", ["", "/nowhere/step_1"])
def test_what_is_no_checkpoint_is_refused(stage, checkpoint):
    shown = checkpoint or "."
    refused(
        stage, "eval.launch.py", f"checkpoint:={checkpoint}", line=f"'{shown}' is not a checkpoint (no checkpoint.json)"
    )


def test_a_damaged_checkpoint_is_refused(stage):
    checkpoint = Path(stage.root) / "damaged"
    checkpoint.mkdir()
    (checkpoint / "checkpoint.json").write_text('{"step": 3')
    refused(stage, "eval.launch.py", f"checkpoint:={checkpoint}", line=f"'{checkpoint}/checkpoint.json' is damaged")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "no candidates to choose from; give 2 or more by candidates:=, instructions:= and skills:="),
        (("candidates:=nowhere",), "candidates names 'nowhere', which is no directory"),
        (("trials:=often",), "launch argument trials is 'often'; valid: a whole number"),
        (("selection:=nowhere.json",), "nowhere.json' cannot be read"),
        (("candidates:=", "skills:=wait|wait a bit"), "no candidate is a checkpoint, which would know its task"),
        (("candidates:=", "skills:=wait|fly", "task:=reach"), "unknown skill 'fly'; valid: "),
    ],
)
def test_what_is_no_choice_is_refused(stage, arguments, line):
    two = [Path(stage.root) / "choice" / name for name in ("step_1", "step_2")]
    for checkpoint in two:
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "checkpoint.json").write_text('{"sha256": {}, "task": "reach"}')
    given = [f"candidates:={two[0].parent}", *arguments] if arguments else []
    refused(stage, "select.launch.py", *given, line=line)


@pytest.mark.parametrize("launch_file", ["eval.launch.py", "select.launch.py"])
def test_results_that_could_not_be_written_are_refused_before_the_first_episode(stage, launch_file):
    about = {"sha256": {}, "task": "reach", "policy": "gaussian", "policy_options": {}}
    for step in (1, 2):
        checkpoint = Path(stage.root) / "untried" / f"step_{step}"
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "checkpoint.json").write_text(json.dumps(about))
    file = checkpoint / "checkpoint.json"
    what = f"checkpoint:={checkpoint}" if launch_file.startswith("eval") else f"candidates:={checkpoint.parent}"
    line = f"output '{file}/here' cannot be written: Not a directory"
    refused(stage, launch_file, what, f"output:={file}/here", line=line)


def test_without_opengl_pixels_are_refused_and_the_message_says_what_to_install(stage):
    run = stage.root / "never"
    arguments = ("task:=reach", f"run_dir:={run}", "observation:=pixels")
    refused(stage, TRAIN, *arguments, line="rendering needs one of: egl, glfw, osmesa", env={"MUJOCO_GL": "vulkan"})
    assert not run.exists()


def test_an_arm_can_be_driven_by_nobody_and_stops_on_ctrl_c(stage):
    launched = stage.launch("teleop.launch.py", "operator:=joy", "task:=reach", "headless:=true")
    launched.wait_for("all active: teleop, sim_bridge")
    launched.wait_for("no command for more than 0.5 s: the arm stands still")
    launched.interrupt()
    assert "Traceback" not in launched.output
