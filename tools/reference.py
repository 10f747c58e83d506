"""Write docs/parameters.md from the configuration classes: `python tools/reference.py`; `--check` only compares."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from vlmrl_ros.core.config import options

PAGE = Path(__file__).resolve().parent.parent / "docs" / "parameters.md"
CLASSES = {
    "sim_bridge": "vlmrl_ros.nodes.sim_bridge_config:SimBridgeConfig",
    "sim_arm": "vlmrl_ros.nodes.sim_arm:SimArmConfig",
    "arm_bridge": "vlmrl_ros.nodes.arm_bridge:ArmBridgeConfig",
    "policy_server": "vlmrl_ros.nodes.policy_server:PolicyServerConfig",
    "teleop": "vlmrl_ros.nodes.teleop:TeleopConfig",
    "learner": "vlmrl_ros.nodes.learner_config:LearnerConfig",
    "scripted_operator": "vlmrl_ros.nodes.scripted_operator:ScriptedOperatorConfig",
    "recorder": "vlmrl_ros.nodes.recorder:RecorderConfig",
    "evaluate": "vlmrl_ros.nodes.evaluate:EvaluateConfig",
    "selector": "vlmrl_ros.nodes.selector:SelectorConfig",
    "text_bridge": "vlmrl_ros.nodes.text_bridge:TextBridgeConfig",
    "text_policy_server": "vlmrl_ros.nodes.text_policy_server:TextPolicyServerConfig",
    "text_learner": "vlmrl_ros.nodes.text_plan:TextLearnerConfig",
    "text_recorder": "vlmrl_ros.nodes.text_recorder:TextRecorderConfig",
    "vlm_train": "vlmrl_ros.nodes.turn_plan:VlmTrainConfig",
    "tiny (vlm_train)": "vlmrl_ros.policies.vlm.tiny:TinyConfig",
    "joystick, spacemouse": "vlmrl_ros.nodes.device:DeviceConfig",
    "lifecycle_manager": "vlmrl_ros.nodes.lifecycle_manager:LifecycleManagerConfig",
    "safety.* (sim_bridge, arm_bridge), `limits` in an arm's file": "vlmrl_ros.core.safety:SafetyConfig",
    "arbiter.* (teleop)": "vlmrl_ros.core.arbiter_config:ArbiterConfig",
    "rlif.* (learner)": "vlmrl_ros.policies.learners.rlif.config:RlifConfig",
    "rlpd.* (learner)": "vlmrl_ros.policies.learners.rlpd.config:RlpdConfig",
    "hil_serl.* (learner)": "vlmrl_ros.policies.learners.hil_serl.config:HilSerlConfig",
    "hg_dagger.* (learner)": "vlmrl_ros.policies.learners.hg_dagger.config:HgDaggerConfig",
    "dagger.* (learner)": "vlmrl_ros.policies.learners.dagger.config:DaggerConfig",
    "bc.* (learner)": "vlmrl_ros.policies.learners.bc.config:BcConfig",
    "sac.* (learner)": "vlmrl_ros.policies.learners.sac.config:SacConfig",
    "calql.* (learner)": "vlmrl_ros.policies.learners.calql.config:CalqlConfig",
    "cql.* (learner)": "vlmrl_ros.policies.learners.cql.config:CqlConfig",
    "iql.* (learner)": "vlmrl_ros.policies.learners.iql.config:IqlConfig",
    "awac.* (learner)": "vlmrl_ros.policies.learners.awac.config:AwacConfig",
    "trust.* (learner of outcomes)": "vlmrl_ros.policies.learners.trust.config:TrustConfig",
    "lcb.*, greedy.*, uniform.* (learners of outcomes)": "vlmrl_ros.policies.learners.bandit.config:BanditConfig",
    "lm_bc.* (learner of text)": "vlmrl_ros.policies.learners.language.config:LanguageConfig",
    "lm_filtered_bc.* (learner of text)": "vlmrl_ros.policies.learners.lm_filtered_bc.config:LmFilteredBcConfig",
    "lm_mc.* (learner of text)": "vlmrl_ros.policies.learners.language.config:ValueConfig",
    "ilql.* (learner of text)": "vlmrl_ros.policies.learners.ilql.config:IlqlConfig",
    "lm_ppo.* (learner of text)": "vlmrl_ros.policies.learners.lm_ppo.config:LmPpoConfig",
    "lm_online_filtered_bc.* (learner of text)": (
        "vlmrl_ros.policies.learners.lm_online_filtered_bc.config:LmOnlineFilteredBcConfig"
    ),
    "vlm_sft.* (learner of turns)": "vlmrl_ros.policies.learners.vlm_sft.config:VlmSftConfig",
    "vlm_ppo.* (learner of turns)": "vlmrl_ros.policies.learners.vlm_ppo.config:VlmPpoConfig",
    "vlm_gigpo.* (learner of turns)": "vlmrl_ros.policies.learners.vlm_gigpo.config:VlmGigpoConfig",
    "vlm_kto.* (learner of turns)": "vlmrl_ros.policies.learners.vlm_kto.config:VlmKtoConfig",
    "gaussian.* (policy_server)": "vlmrl_ros.policies.gaussian:GaussianConfig",
    "vlm.* (policy_server)": "vlmrl_ros.policies.vlm.config:VlmConfig",
    "script.* (policy_server)": "vlmrl_ros.core.asking:AskingConfig",
    "language.* (text_policy_server)": "vlmrl_ros.policies.language.policy:LanguagePolicyConfig",
    "reach.* (task)": "vlmrl_ros.sim.tasks.reach:ReachConfig",
    "Encoder nature_cnn (`encoder_options`)": "vlmrl_ros.policies.encoders.nature_cnn:NatureCnnConfig",
    "Encoder resnet10 (`encoder_options`)": "vlmrl_ros.policies.encoders.resnet10:ResNet10Config",
    "Encoder spatial_cnn (`encoder_options`)": "vlmrl_ros.policies.encoders.spatial_cnn:SpatialCnnConfig",
    "peg_insert.* (task)": "vlmrl_ros.sim.tasks.peg_insert:PegInsertConfig",
    "pick_lift.* (task)": "vlmrl_ros.sim.tasks.pick_lift:PickLiftConfig",
    "tabletop.* (task)": "vlmrl_ros.sim.tasks.tabletop.task:TabletopConfig",
    "crash_maze.* (task)": "vlmrl_ros.sim.tasks.crash_maze:CrashMazeConfig",
    "point_maze.* (task)": "vlmrl_ros.sim.tasks.point_maze:PointMazeConfig",
    "velocity_window.* (task)": "vlmrl_ros.sim.tasks.velocity_window:VelocityWindowConfig",
    "Curriculum rollin": "vlmrl_ros.policies.curricula.rollin:RollinConfig",
    "operator.* (scripted_operator, reach)": "vlmrl_ros.sim.operators.reach:ReachOperatorConfig",
    "operator.* (scripted_operator, peg_insert)": "vlmrl_ros.sim.operators.peg_insert:PegInsertOperatorConfig",
    "operator.* (scripted_operator, pick_lift)": "vlmrl_ros.sim.operators.pick_lift:PickLiftOperatorConfig",
    "operator.* (scripted_operator, tabletop)": "vlmrl_ros.sim.operators.tabletop:TabletopOperatorConfig",
    "operator.* (scripted_operator, crash_maze)": "vlmrl_ros.sim.operators.crash_maze:CrashMazeOperatorConfig",
    "judgement.* (scripted_operator)": "vlmrl_ros.policies.reference:JudgementConfig",
    "An arm's file: top level": "vlmrl_ros.core.arm_sections:GeneralConfig",
    "An arm's file: `joints`": "vlmrl_ros.core.arm_sections:JointsConfig",
    "An arm's file: `tip`": "vlmrl_ros.core.arm_sections:TipConfig",
    "An arm's file: `wrench`": "vlmrl_ros.core.arm_sections:WrenchConfig",
    "An arm's file: `poses.<name>`": "vlmrl_ros.core.arm_sections:PoseConfig",
    "An arm's file: `cameras.<name>`": "vlmrl_ros.core.arm_sections:CameraConfig",
    "An arm's file: `model`": "vlmrl_ros.core.arm_sections:ModelConfig",
    "An arm's file: `action`": "vlmrl_ros.core.arm_sections:ActionConfig",
    "An arm's file: `home`": "vlmrl_ros.core.arm_sections:HomeConfig",
    "An arm's file: `observation` and `scene`, each entry": "vlmrl_ros.core.arm_sections:FeatureConfig",
    "An arm's file: `success`": "vlmrl_ros.core.arm_sections:SuccessConfig",
    "An arm's file: `reset`": "vlmrl_ros.core.arm_sections:ResetConfig",
    "An arm's file: `output`": "vlmrl_ros.core.arm_sections:OutputConfig",
    "An arm's file: `output`, plugin twist": "vlmrl_ros.bridge.outputs.twist:TwistConfig",
    "An arm's file: `output`, plugin forward": "vlmrl_ros.bridge.outputs.forward:ForwardConfig",
    "An arm's file: `output`, plugin trajectory": "vlmrl_ros.bridge.outputs.trajectory:TrajectoryConfig",
    "maze, maze_partial (text tasks)": "vlmrl_ros.sim.text.maze:MazeConfig",
    "wordle (text task)": "vlmrl_ros.sim.text.wordle:WordleConfig",
    "chess (text task)": "vlmrl_ros.sim.text.chess_game:ChessConfig",
    "chess_endgames (text task)": "vlmrl_ros.sim.text.chess_endgames:EndgamesConfig",
    "tabletop_dialogue (text task)": "vlmrl_ros.sim.text.tabletop_dialogue:DialogueConfig",
    "text_nav-fast, text_nav-textworld (text tasks)": "vlmrl_ros.sim.text.text_nav:TextNavConfig",
}
HEAD = """\
# Parameters

Made by `python tools/reference.py` from the configuration classes, which are the only home of the defaults. Set them
in a YAML file (`params_file:=my.yaml`); `/**/` before a node's name keeps the file valid in every namespace:

```yaml
/**/learner:
  ros__parameters:
    checkpoint_every: 1000
/**:
  ros__parameters:
    rlif:
      critics: 4
    peg_insert:
      clearance_mm: 1.5
    operator:
      trigger: random
```

Options of plug-ins (`rlif.*`, `peg_insert.*`, `operator.*`, `safety.*`) may stand under `/**`: each node reads those of
the plug-ins that it uses. The learner needs the task's options too, because it evaluates.

A file that ROS 2 cannot read, a name of no node, an unknown key or a value out of range ends the launch with one line
that names the valid ones. Two things pass, so that one file may serve several launch files: a section for a node that
this launch does not start, which a line says, and options of plug-ins that are not in use, which nobody checks:
`rlif.criticss: 4` is refused with `learner:=rlif` and ignored with `learner:=bc`.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(title, target) for title, target in CLASSES.items())


def _section(title: str, target: str) -> str:
    module, name = target.split(":")
    config_type: Any = getattr(importlib.import_module(module), name)
    rows = [_row(*item) for item in options(config_type).items()]
    return f"\n## {title}\n\n| name | type | default | range | what |\n|---|---|---|---|---|\n" + "".join(rows)


def _row(name: str, item: tuple[Any, Any, Any]) -> str:
    kind, default, about = item
    span = ", ".join(about.choices)
    if about.low is not None or about.high is not None:
        low = "" if about.low is None else f"{about.low:g}"
        high = "" if about.high is None else f"{about.high:g}"
        span = f"{low} .. {high}"
    unit = f" {about.unit}" if about.unit else ""
    word = getattr(kind, "__name__", "") if kind in (bool, int, float, str) else "list"
    return f"| `{name}` | {word} | `{default!r}`{unit} | {span} | {about.description} |\n"


def main() -> None:
    """Write the page, or compare it."""
    if "--check" in sys.argv:
        if PAGE.read_text(encoding="utf-8") != page():
            sys.exit(f"{PAGE.name} is not current; run: python tools/reference.py")
    else:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
