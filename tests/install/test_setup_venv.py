from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "setup_venv.py"
OLD_PYTHON = """\
#!/bin/sh
case "$2" in
  *_base_executable*) echo "$0" ;;
  *) echo '{"executable": "/old/python3", "version": [3, 9], "numpy": null, "ensurepip": true, "rclpy": false}' ;;
esac
"""


@pytest.fixture
def setup_venv(tmp_path):
    """Runs the script where it has to refuse; gives its error."""

    def setup_venv(**variables: str) -> str:
        unset = {"ROS_DISTRO", "PYTHONPATH"}
        env = {**{key: value for key, value in os.environ.items() if key not in unset}, **variables}
        done = subprocess.run(
            [sys.executable, SCRIPT, tmp_path / "venv"], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert not (tmp_path / "venv").exists()
        return done.stderr

    return setup_venv


def test_an_unsupported_python_is_refused_with_what_was_found_and_what_is_needed(setup_venv, tmp_path):
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text(OLD_PYTHON, encoding="utf-8")
    old.chmod(0o755)
    error = setup_venv(PATH=str(old.parent))
    assert "Python 3.10, 3.11, 3.12 or 3.13 must be on the PATH; found: 3.9" in error


def test_a_ros_2_that_no_python_can_import_is_refused_by_name(setup_venv):
    assert "ROS_DISTRO is 'jazzy' but no supported Python finds rclpy" in setup_venv(ROS_DISTRO="jazzy")
