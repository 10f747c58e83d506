"""TensorBoard curves of a run: training goes on where they cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class Board:
    """Writes curves; a disk that takes no more is told of, and tried again with the next value."""

    def __init__(self, directory: Path, since_step: int, problem: Callable[[str], None]) -> None:
        """Open the curves.

        Args:
            directory: where they are; those of earlier parts of the run stay.
            since_step: what an earlier part has written of later steps is lived through again and not shown.
            problem: told why a value could not be written, and "" once one could.
        """
        self._directory = directory
        self._problem = problem
        self._writer: SummaryWriter | None = None
        self._purge_step: int | None = since_step or None

    def add(self, values: dict[str, float], step: int) -> None:
        """Write the values of one step."""
        try:
            if self._writer is None:
                self._writer = SummaryWriter(str(self._directory), purge_step=self._purge_step)
                self._purge_step = None
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)
            self._problem("")
        except OSError as error:
            self._writer = None  # its thread has ended with the error
            self._problem(f"curves cannot be written: {error}")

    def close(self) -> None:
        """Write what is waiting."""
        try:
            if self._writer is not None:
                self._writer.close()
        except OSError as error:
            self._problem(f"curves cannot be written: {error}")
        self._writer = None
