"""Where one frame is in another, from the pairs of frames that ``/tf`` carries. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.rotations import IDENTITY, multiply, rotate

Array = npt.NDArray[np.float64]

MAX_FRAMES = 1024
"""Frames beyond this number are not kept."""


@dataclass(frozen=True)
class Link:
    """A frame in its parent: float64 (3,), m; float64 (4,), x y z w; stamp in ns, None for a fixed one."""

    parent: str
    position: Array
    quaternion: Array
    stamp_ns: int | None


class FrameTree:
    """The newest link of each frame."""

    def __init__(self) -> None:
        """Begin with no frame."""
        self._links: dict[str, Link] = {}

    def put(self, child: str, link: Link) -> None:
        """Take a link; frames that are known are renewed, others kept while there is room."""
        if child in self._links or len(self._links) < MAX_FRAMES:
            self._links[child] = link

    def find(self, base: str, frame: str) -> tuple[Array, Array, int | None] | None:
        """Where ``frame`` is in ``base``, one of its ancestors.

        Returns:
            position float64 (3,), m; quaternion float64 (4,), x y z w; the oldest stamp on the way, ns, None where all
            links are fixed. None where no chain of links leads up to the base.
        """
        position, quaternion, oldest_ns = np.zeros(3), IDENTITY, None
        at, seen = frame, set[str]()
        while at != base:
            link = self._links.get(at)
            if link is None or at in seen:
                return None
            seen.add(at)
            position = link.position + rotate(link.quaternion, position)
            quaternion = multiply(link.quaternion, quaternion)
            if link.stamp_ns is not None:
                oldest_ns = link.stamp_ns if oldest_ns is None else min(oldest_ns, link.stamp_ns)
            at = link.parent
        return position, quaternion, oldest_ns
