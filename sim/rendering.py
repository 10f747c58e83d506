"""Off-screen frames without shadows and multisampling: forty times faster on software OpenGL than the defaults."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import RenderError, UnknownNameError
from vlmrl_ros.sim.engine import mujoco
from vlmrl_ros.sim.gl import GLContext, make_context

_OFF = (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION)
_MAX_GEOMS = 2000


class Renderer:
    """Makes its OpenGL context at the first frame, in the thread that asks for it; use and close it there."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Remember the model; nothing of OpenGL is touched."""
        self._model = model
        self._context: GLContext | None = None
        self._gpu: mujoco.MjrContext | None = None
        self._scene: mujoco.MjvScene | None = None
        self._option = mujoco.MjvOption()

    def frame(self, data: mujoco.MjData, camera: str, height: int, width: int) -> npt.NDArray[np.uint8]:
        """Render one camera.

        Returns:
            uint8 (height, width, 3) RGB.

        Raises:
            UnknownNameError: no such camera.
            RenderError: no OpenGL backend, or a frame larger than the model's buffer.
        """
        view = self._view(camera)
        self._check_size(height, width)
        gpu, scene = self._open(height, width)
        mujoco.mjv_updateScene(self._model, data, self._option, None, view, mujoco.mjtCatBit.mjCAT_ALL, scene)
        area = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(area, scene, gpu)
        pixels = np.empty((height, width, 3), np.uint8)
        mujoco.mjr_readPixels(pixels, None, area, gpu)
        return np.ascontiguousarray(pixels[::-1])

    def close(self) -> None:
        """Free the context; the next frame makes a new one."""
        if self._gpu is not None:
            self._gpu.free()
        if self._context is not None:
            self._context.free()
        self._gpu = self._context = self._scene = None

    def _open(self, height: int, width: int) -> tuple[mujoco.MjrContext, mujoco.MjvScene]:
        if self._gpu is None or self._scene is None or self._context is None:
            self._context = make_context(height, width)
            self._model.vis.quality.offsamples = 0
            self._gpu = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._gpu)
            self._scene = mujoco.MjvScene(self._model, _MAX_GEOMS)
            for flag in _OFF:
                self._scene.flags[flag] = False
        self._context.make_current()
        return self._gpu, self._scene

    def _view(self, camera: str) -> mujoco.MjvCamera:
        index = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_CAMERA, camera)
        if index < 0:
            raise UnknownNameError("camera", camera, (self._model.camera(i).name for i in range(self._model.ncam)))
        view = mujoco.MjvCamera()
        view.type, view.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, index
        return view

    def _check_size(self, height: int, width: int) -> None:
        most = self._model.vis.global_
        if not (0 < height <= most.offheight and 0 < width <= most.offwidth):
            raise RenderError(f"a frame of {height}x{width} pixels; valid: 1x1 to {most.offheight}x{most.offwidth}")
