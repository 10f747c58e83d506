"""What the nodes of learners have in common: a run directory, weights on their way, and services about the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from std_msgs.msg import UInt8MultiArray
from std_srvs.srv import SetBool, Trigger

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.peers import PeerParameters, Settings
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.bridge.weights import Weights, encode, encode_to_file, size_bytes
from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import RunDirectoryError
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.nodes.worker import Worker

NICENESS = 10
"""Of a learner: the control loop comes first where cores are few."""
STOP_TIMEOUT_S = 8.0
"""After Ctrl-C the worker has so long to end its update and leave the directory whole; a launch kills after 10 s."""
CUT_OFF = f"ends within an update of more than {STOP_TIMEOUT_S:g} s, without results: resume:=true goes on with the run"


@dataclass(frozen=True)
class RunConfig:
    """Parameters of every learner's node."""

    run_dir: str = option("runs/run", "directory of this run; must not hold a run yet, unless that is to be resumed")
    resume: bool = option(
        False, "go on with the run that run_dir holds, from its newest whole checkpoint; an arm's also from its bags"
    )
    weights_inline_mib: float = option(
        64.0, "larger weights go through a file in the run directory, named by URI", unit="MiB", low=0.0, high=255.0
    )


class RunKeeper:
    """Holds the run directory from the node's construction to its end, and the worker that learns in between."""

    def __init__(self, shell: Shell[Any], settings: Settings) -> None:
        """Claim the directory and write what the node itself has been told.

        Args:
            shell: the node; its parameters are a :class:`RunConfig`.
            settings: for ``config.yaml``, by node.

        Raises:
            RunDirectoryError: it is taken, or cannot be written.
        """
        self._shell, self._settings = shell, settings
        self._config: RunConfig = shell.config
        self.worker: Worker | None = None
        self._claim()

    @property
    def directory(self) -> RunDirectory:
        """The run's; only while it is held."""
        assert self._directory is not None
        return self._directory

    def configure(self) -> None:
        """Claim the directory again after :meth:`close`; offer weights and services."""
        if self._directory is None:
            self._claim()
        self._peers: PeerParameters | None = None
        self._weights = self._shell.publisher(UInt8MultiArray, "weights", qos.LATCHED)
        self._shell.create_service(Trigger, "checkpoint", self._on_checkpoint)
        self._shell.create_service(SetBool, "pause", self._on_pause)

    def close(self, began: Callable[[], bool]) -> None:
        """End the worker and give the directory back.

        Args:
            began: asked when the worker has ended; of a run that never began nothing is left.
        """
        if self.worker is not None:
            if not self.worker.stop(STOP_TIMEOUT_S):
                self._shell.get_logger().error(CUT_OFF)
            self.worker = None
        if self._directory is not None:
            self._directory.close(discard=not began())
            self._directory = None

    def ask_peers(self, arms: Sequence[str] = ()) -> None:
        """Have ``config.yaml`` say what all nodes of the loop, and of these namespaces, have been told; once."""
        if self._peers is None:
            self._peers = PeerParameters(self._shell, self._complete_config, arms)

    def publish(self, weights: Weights) -> None:
        """Send weights, by file where they are large. The worker's thread may call it."""
        by_file = size_bytes(weights) > self._config.weights_inline_mib * 2**20
        directory = Path(self._config.run_dir) / "weights"
        self._weights.publish(encode_to_file(weights, directory) if by_file else encode(weights))

    def _claim(self) -> None:
        config = self._config
        self._directory: RunDirectory | None = RunDirectory(Path(config.run_dir), config.resume)
        if not config.resume:
            self._write_config(self._settings)

    def _write_config(self, settings: Settings) -> None:
        self.directory.write_text("config.yaml", yaml.safe_dump(settings, sort_keys=True))

    def _complete_config(self, settings: Settings) -> None:
        """Write what all nodes have said of themselves; a full disk does not end a run that has begun."""
        try:
            self._write_config(settings)
        except RunDirectoryError as error:
            self._shell.get_logger().error(str(error))

    def _on_checkpoint(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self.worker is not None
        response.message = "a checkpoint follows the next step" if response.success else "no task yet: nothing to write"
        if self.worker is not None:
            self.worker.checkpoint_asked.set()
        return response

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success = self.worker is not None
        response.message = ("paused" if request.data else "learning") if response.success else "no task yet"
        if self.worker is not None:
            self.worker.pause(request.data)
        return response
