"""Actions after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.actions.opaque_function import OpaqueFunction
from launch.event_handler import EventHandler
from launch.event_handlers import OnShutdown
from launch.events import TimerEvent
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class TimerAction(Action):
    """Visits actions when `period` seconds have passed; can be cancelled until then."""

    def __init__(
        self,
        *,
        period: float | SomeSubstitutionsType,
        actions: Iterable[LaunchDescriptionEntity],
        cancel_on_shutdown: bool | SomeSubstitutionsType = True,
        **kwargs: Any,
    ) -> None:
        """Wait `period` seconds of the steady clock."""
        super().__init__(**kwargs)
        self.period = normalize_typed_substitution(float(period) if isinstance(period, str) else period, float)
        self.actions = list(actions)
        self._cancel_on_shutdown = normalize_typed_substitution(cancel_on_shutdown, bool)
        self._canceled = False
        self._over: asyncio.Future[None] | None = None
        self._waiting: asyncio.Task[None] | None = None

    def describe_conditional_sub_entities(self) -> list[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        """See the base class."""
        return [(f"{self.period} seconds pass without being canceled", self.actions)]

    def cancel(self) -> None:
        """Give up; too late once the time is over."""
        self._canceled = True
        if self._waiting is not None:
            self._waiting.cancel()

    def execute(self, context: LaunchContext) -> None:
        """Start to wait."""
        self._over = asyncio.get_running_loop().create_future()
        if self._canceled:
            self._over.set_result(None)
            return
        scope = context.get_locals_as_dict()
        enter_scope = OpaqueFunction(function=lambda context: context.extend_locals(scope))
        fired = EventHandler(matcher=self._is_mine, entities=[enter_scope, *self.actions], handle_once=True)
        context.register_event_handler(fired)
        if perform_typed_substitution(context, self._cancel_on_shutdown, bool):
            context.register_event_handler(OnShutdown(on_shutdown=lambda event, context: self.cancel()))
        self._waiting = asyncio.create_task(self._run(context))
        self._waiting.add_done_callback(self._finish)

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        """See the base class."""
        return self._over

    async def _run(self, context: LaunchContext) -> None:
        await self.wait(context, perform_typed_substitution(context, self.period, float))
        context.emit_event_sync(TimerEvent(timer_action=self))

    async def wait(self, context: LaunchContext, period_s: float) -> None:
        """Wait on this timer's clock."""
        await asyncio.sleep(period_s)

    def _is_mine(self, event: object) -> bool:
        return isinstance(event, TimerEvent) and event.timer_action is self

    def _finish(self, task: asyncio.Task[None]) -> None:
        assert self._over is not None
        if not task.cancelled() and task.exception() is not None:
            self._over.set_exception(task.exception())
        else:
            self._over.set_result(None)
