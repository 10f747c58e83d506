"""Numbers the steps of a real arm's episodes and says when one has succeeded and when it ends. Pure."""

from __future__ import annotations

import enum

from vlmrl_ros.core.types import Feedback, Mark


class Phase(enum.Enum):
    """What the bridge does at a tick."""

    RESETTING = "resetting"
    """The reset procedure runs; no steps are published."""
    RUNNING = "running"


class ArmEpisodes:
    """The course of episodes.

    Reward: 1.0 for each step that ends in the goal, and from a mark of success on, else 0.0. Success never terminates
    an episode: it goes on for ``post_success_steps`` and is truncated, so that the value of being at the goal is
    trained and bootstrapped. A mark of failure terminates. An episode whose inputs fell silent is truncated at the next
    step that can be published; its number tells how many ticks are missing, so that nobody takes the two steps for
    consecutive.
    """

    def __init__(self, horizon: int, post_success_steps: int) -> None:
        """Begin with a reset, before episode 0.

        Args:
            horizon: steps after which an episode is truncated.
            post_success_steps: steps that it goes on after success.
        """
        self._horizon, self._post = horizon, post_success_steps
        self._episode = 0
        self._step = -1
        self._succeeded_at: int | None = None
        self._mark = Mark.NONE
        self._marked = False
        self._lost = False
        self.phase = Phase.RESETTING
        self.cut = 0
        """Episodes cut because an input fell silent."""
        self.weights_version = 0
        """Newest weights version known; goes into the next feedback."""

    @property
    def episode(self) -> int:
        """Number of the episode that runs or is being prepared."""
        return self._episode

    def go_on(self, episode: int) -> None:
        """Go on with a run of another bridge: the next episode bears this number."""
        self._episode = episode

    def begin(self) -> None:
        """The reset is done: the next arrival is the first of the episode."""
        self.phase = Phase.RUNNING
        self._step = -1
        self._succeeded_at = None
        self._mark = Mark.NONE
        self._marked = self._lost = False

    def mark(self, mark: Mark) -> None:
        """The operator said so since the last arrival."""
        if mark is not Mark.NONE:
            self._mark = mark

    def lose(self) -> None:
        """A tick at which nothing can be published, because an input is silent."""
        if self.phase is Phase.RUNNING:
            self._step += 1
            self.cut += not self._lost
            self._lost = True

    def arrive(self, in_goal: bool) -> Feedback:
        """One more step; after the last one the phase is :attr:`Phase.RESETTING` and the next episode is due.

        Args:
            in_goal: the success test holds now.
        """
        self._step += 1
        mark, self._mark = self._mark, Mark.NONE
        self._marked |= mark is Mark.SUCCESS
        reached = in_goal or self._marked
        if reached and self._succeeded_at is None:
            self._succeeded_at = self._step
        failed = mark is Mark.FAILURE
        feedback = Feedback(
            reward=float(reached),
            terminated=failed,
            truncated=not failed and (self._lost or mark is Mark.RESET or self._is_over()),
            success=self._succeeded_at is not None and not failed,
            episode=self._episode,
            step=self._step,
            weights_version=self.weights_version,
        )
        if feedback.last:
            self.phase = Phase.RESETTING
            self._episode += 1
        return feedback

    def _is_over(self) -> bool:
        waited = self._succeeded_at is not None and self._step - self._succeeded_at >= self._post
        return waited or self._step >= self._horizon
