from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from vlmrl_ros.core.errors import RenderError, UnknownNameError
from vlmrl_ros.sim import gl
from vlmrl_ros.sim.tasks import peg_insert
from vlmrl_ros.sim.viewer import Viewer


@pytest.fixture
def task(rng: np.random.Generator) -> Iterator[peg_insert.PegInsert]:
    made = peg_insert.build({"observation": "both", "image_size": 64})
    yield made
    made.close()


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    prepared = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=prepared, capture_output=True, text=True, timeout=50)


def orange(frame: np.ndarray) -> int:
    """Pixels in the colour of the peg."""
    red, green, blue = frame[..., 0].astype(int), frame[..., 1].astype(int), frame[..., 2].astype(int)
    return int(((red > 90) & (red > 2 * blue) & (red - green > 40)).sum())


def test_frames_are_part_of_the_observation(task: peg_insert.PegInsert, rng: np.random.Generator):
    observation = task.reset(rng).observation
    for camera in ("wrist", "front"):
        assert observation[camera].shape == (64, 64, 3)
        assert observation[camera].dtype == np.uint8
        assert observation[camera].flags.c_contiguous
    assert not np.array_equal(observation["wrist"], observation["front"])


@pytest.mark.parametrize("camera", ["wrist", "front", "overview"])
def test_every_camera_sees_the_peg(task: peg_insert.PegInsert, rng: np.random.Generator, camera: str):
    task.reset(rng)
    assert orange(task.render(camera, 120, 160)) > 30


def test_the_picture_follows_the_arm(task: peg_insert.PegInsert, rng: np.random.Generator):
    before = task.reset(rng).observation["front"]
    for _ in range(5):
        after = task.step(np.array([0.0, 0.1, 0.1], np.float32)).observation["front"]
    assert (before != after).any()


def test_one_scene_gives_one_picture(task: peg_insert.PegInsert):
    frames = [task.reset(np.random.default_rng(5)).observation["front"] for _ in range(2)]
    np.testing.assert_array_equal(frames[0], frames[1])


def test_rendering_goes_on_after_a_close(task: peg_insert.PegInsert, rng: np.random.Generator):
    task.reset(rng)
    before = task.render("front", 48, 48)
    task.close()
    np.testing.assert_array_equal(task.render("front", 48, 48), before)


def test_an_unknown_camera_names_the_valid_ones(task: peg_insert.PegInsert):
    with pytest.raises(UnknownNameError, match="front, overview, wrist"):
        task.render("rear", 64, 64)


def test_a_frame_too_large_names_the_limit(task: peg_insert.PegInsert):
    with pytest.raises(RenderError, match="1080x1920"):
        task.render("front", 5000, 5000)


def test_an_unknown_backend_names_the_valid_ones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MUJOCO_GL", "vulkan")
    with pytest.raises(RenderError, match=r"'vulkan'.*egl, glfw, osmesa"):
        gl.backend()


def test_a_missing_backend_says_what_to_install():
    result = run(
        "from vlmrl_ros.sim.tasks import reach; reach.build({}).render('front', 8, 8)",
        MUJOCO_GL="egl",
        MUJOCO_EGL_DEVICE_ID="99",
    )
    assert result.returncode != 0
    assert "RenderError" in result.stderr
    assert "apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri libgles2 libglib2.0-0" in result.stderr


def test_state_only_never_touches_opengl():
    code = (
        "import sys, numpy as np; from vlmrl_ros.sim import load; t = load.build('peg_insert', {});"
        "t.reset(np.random.default_rng(0)); t.step(np.zeros(3, np.float32)); t.close();"
        "sys.exit(any(m.split('.')[0] in ('OpenGL', 'glfw') or m == 'mujoco.egl' for m in sys.modules))"
    )
    assert run(code, MUJOCO_GL="egl").returncode == 0


def test_an_operator_needs_no_simulator():
    code = (
        "import sys, vlmrl_ros.sim.operators.pick_lift;"
        "sys.exit(any(m in sys.modules for m in ('mujoco', 'dm_control', 'gymnasium')))"
    )
    assert run(code).returncode == 0


def test_the_viewer_without_a_display_says_so(task: peg_insert.PegInsert, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(RenderError, match="headless:=true"):
        Viewer(task)
