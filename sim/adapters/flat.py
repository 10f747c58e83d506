"""Foreign observations, nested and of any shape, as one named vector and cameras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import CameraSpec, VectorSpec
from vlmrl_ros.core.types import Observation

Bounds = tuple[npt.NDArray[Any], npt.NDArray[Any]]

_HUGE = 1e6
_IMAGE_DIMENSIONS = 3
_RGB = 3


class Flattener:
    """Knows the layout of one environment's observation; fixed from the bounds of its parts."""

    def __init__(self, parts: Mapping[str, Bounds]) -> None:
        """Take the parts.

        Args:
            parts: name to (low, high), arrays of the part's own shape and dtype. uint8 (H, W, 3) parts are cameras, all
                others join the vector. A bound beyond 1e6 counts as none: such numbers stand for infinity.

        Raises:
            ConfigError: there is no number in the observation besides images.
        """
        self._cameras = {name: bounds[0].shape for name, bounds in parts.items() if _is_image(bounds[0])}
        self._numbers = [name for name in parts if name not in self._cameras]
        if not self._numbers:
            raise ConfigError(f"the observation has no number besides images; parts: {', '.join(parts)}")
        low = np.concatenate([_finite(parts[name][0], -np.inf) for name in self._numbers])
        high = np.concatenate([_finite(parts[name][1], np.inf) for name in self._numbers])
        empty = ~(low < high)
        low[empty], high[empty] = -np.inf, np.inf
        names = [n for name in self._numbers for n in component_names(name, parts[name][0].size)]
        self.spec = VectorSpec(tuple(names), ("1",) * len(names), low, high)

    @property
    def cameras(self) -> tuple[CameraSpec, ...]:
        """The images among the parts."""
        return tuple(CameraSpec(camera_name(name), shape[0], shape[1]) for name, shape in self._cameras.items())

    def observation(self, parts: Mapping[str, Any]) -> Observation:
        """One observation from parts of the known layout."""
        state = np.concatenate([np.ravel(parts[name]) for name in self._numbers]).astype(np.float32)
        images = {camera_name(name): np.ascontiguousarray(parts[name]) for name in self._cameras}
        return {"state": state, **images}


def component_names(name: str, size: int) -> tuple[str, ...]:
    """``name`` for one number, ``name_0``, ``name_1`` and so on for more."""
    return (name,) if size == 1 else tuple(f"{name}_{i}" for i in range(size))


def camera_name(part: str) -> str:
    """The last word of a nested name, fit for a topic: ``pixels.front`` is ``front``."""
    return part.rsplit(".", 1)[-1]


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings, with dotted names; a bare value is called ``observation``."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flatten(part, f"{name}.{key}" if name else str(key))
    else:
        yield name or "observation", value


def _is_image(array: npt.NDArray[Any]) -> bool:
    return array.dtype == np.uint8 and array.ndim == _IMAGE_DIMENSIONS and array.shape[-1] == _RGB


def _finite(bound: npt.NDArray[Any], unbounded: float) -> npt.NDArray[np.float32]:
    flat = np.ravel(bound).astype(np.float64)
    return np.where(np.abs(flat) < _HUGE, flat, unbounded).astype(np.float32)
