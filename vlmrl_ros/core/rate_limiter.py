"""The pace of learning against acting: a samples-per-insert limit."""

from __future__ import annotations

from vlmrl_ros.core.errors import ConfigError


class RateLimiter:
    """Keeps the number of samples near a fixed multiple of the number of inserts.

    One equation states it, where ``s`` is ``samples_per_insert`` and ``m`` is ``min_size_to_sample``::

        | s * (inserts - m) - samples | <= error_buffer

    Sampling waits at its lower edge and before ``m`` inserts; inserting waits at its upper edge. Pure counters: the
    caller does the waiting. Source: Cassirer et al., Reverb (2021), "SampleToInsertRatio".
    """

    def __init__(self, samples_per_insert: float, min_size_to_sample: int, error_buffer: float) -> None:
        """Set the ratio and the slack.

        Args:
            samples_per_insert: transitions drawn for each one stored, above 0.
            min_size_to_sample: inserts before the first sample, 1 or more.
            error_buffer: slack in samples; at least ``samples_per_insert``, else neither side could ever move.

        Raises:
            ConfigError: a value out of range.
        """
        if not samples_per_insert > 0:
            raise ConfigError(f"samples_per_insert is {samples_per_insert}; valid: above 0")
        if min_size_to_sample < 1:
            raise ConfigError(f"min_size_to_sample is {min_size_to_sample}; valid: 1 or more")
        if not error_buffer >= max(1.0, samples_per_insert):
            raise ConfigError(f"error_buffer is {error_buffer}; valid: {max(1.0, samples_per_insert):g} or more")
        self.samples_per_insert = samples_per_insert
        self.min_size_to_sample = min_size_to_sample
        self.error_buffer = error_buffer
        self.inserts = 0
        self.samples = 0

    @property
    def surplus(self) -> float:
        """Samples that are due: ``s * (inserts - m) - samples``; negative when sampling runs ahead."""
        return self.samples_per_insert * (self.inserts - self.min_size_to_sample) - self.samples

    def may_insert(self, count: int = 1) -> bool:
        """Storing ``count`` more keeps within the limit; always so below ``min_size_to_sample``."""
        filling = self.inserts + count <= self.min_size_to_sample
        return filling or self.surplus + count * self.samples_per_insert <= self.error_buffer

    def may_sample(self, count: int) -> bool:
        """Drawing ``count`` more keeps within the limit."""
        return self.inserts >= self.min_size_to_sample and self.surplus - count >= -self.error_buffer

    def insert(self, count: int = 1) -> None:
        """Count stored transitions; an actor that cannot wait (a real arm) inserts without asking."""
        self.inserts += count

    def sample(self, count: int) -> None:
        """Count drawn transitions."""
        self.samples += count
