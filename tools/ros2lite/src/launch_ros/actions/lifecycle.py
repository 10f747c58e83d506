"""Lifecycle nodes and their transitions."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.actions import EmitEvent, OpaqueFunction, RegisterEventHandler
from launch.event_handler import EventHandler
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.logging import get_logger
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import expand
from launch_ros.actions.node import Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState, StateTransition, matches_node_name
from launch_ros.ros_node import get_ros_node
from ros2lite.errors import Ros2LiteError

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_POLL_S = 0.02
_PATIENCE_S = 1.0
"""How long an answer or an event is waited for, before the node is asked what has become of it."""
_CONFIGURE, _ACTIVATE = 1, 3
_STARTS = {1: "configuring", 2: "cleaningup", 3: "activating", 4: "deactivating"} | dict.fromkeys(
    (5, 6, 7), "shuttingdown"
)
_ENDS = {1: "inactive", 2: "unconfigured", 3: "active", 4: "inactive", 5: "finalized", 6: "finalized", 7: "finalized"}


class LifecycleNode(Node):
    """A node whose state changes are events (`StateTransition`), and which `ChangeState` events drive."""

    def __init__(
        self,
        *,
        name: SomeSubstitutionsType,
        namespace: SomeSubstitutionsType,
        autostart: bool | SomeSubstitutionsType = False,
        **kwargs: Any,
    ) -> None:
        """Run the node; with `autostart` it is configured and activated. See `Node` for the rest."""
        super().__init__(name=name, namespace=namespace, **kwargs)
        self._autostart = autostart
        self._changer: Any = None
        self._getter: Any = None
        self._state = ""

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:  # type: ignore[override]
        """Listen to the node's transitions and start it."""
        from launch.conditions import evaluate_condition_expression
        from lifecycle_msgs.msg import TransitionEvent
        from lifecycle_msgs.srv import ChangeState as ChangeStateService
        from lifecycle_msgs.srv import GetState

        super().execute(context)
        ros = get_ros_node(context)
        ros.create_subscription(TransitionEvent, f"{self.node_name}/transition_event", self._reporter(context), 10)
        self._changer = ros.create_client(ChangeStateService, f"{self.node_name}/change_state")
        self._getter = ros.create_client(GetState, f"{self.node_name}/get_state")
        context.register_event_handler(
            EventHandler(
                matcher=lambda event: isinstance(event, ChangeState) and event.lifecycle_node_matcher(self),
                entities=OpaqueFunction(function=self._request),
            )
        )
        autostart = (
            self._autostart
            if isinstance(self._autostart, bool)
            else evaluate_condition_expression(context, self._autostart)
        )
        if not autostart:
            return None
        return [LifecycleTransition(lifecycle_node_names=[self.node_name], transition_ids=[_CONFIGURE, _ACTIVATE])]

    def _reporter(self, context: LaunchContext) -> Any:
        loop = context.asyncio_loop
        assert loop is not None
        return lambda message: loop.call_soon_threadsafe(self._report, context, message)

    def _report(self, context: LaunchContext, message: Any) -> None:
        self._state = message.goal_state.label
        context.emit_event_sync(StateTransition(action=self, msg=message))

    def _request(self, context: LaunchContext) -> None:
        transition_id = context.locals.event.transition_id
        context.add_completion_future(asyncio.ensure_future(self._change_state(context, transition_id)))

    async def _change_state(self, context: LaunchContext, transition_id: int) -> None:
        """Ask for a transition and see it through.

        An answer is lost where the node has not yet found the one who asks, and so is the event of the transition; then
        the node's state says what has happened.
        """
        from lifecycle_msgs.srv import ChangeState as ChangeStateService
        from lifecycle_msgs.srv import GetState

        label, goal = ChangeState.valid_transitions[transition_id], _ENDS.get(transition_id, "nothing")
        request = ChangeStateService.Request()
        request.transition.id = transition_id
        self._state = ""
        while self._state != goal and not self._is_over(context):
            answer = await self._answer(context, self._changer, request)
            if answer is not None and not answer.success:
                get_logger("launch_ros").error(
                    "Failed to make transition '%s' for LifecycleNode '%s'", label, self.node_name
                )
                return
            if answer is not None:
                await self._until(context, lambda: self._state == goal)
            seen = None
            while seen is None and self._state != goal and not self._is_over(context):
                seen = await self._answer(context, self._getter, GetState.Request())
            if seen is not None and seen.current_state.label == goal and self._state != goal:
                self._report(context, _event(transition_id))
        if self._state != goal:
            get_logger("launch_ros").warning(
                "Abandoning transition '%s' of '%s': it has ended or has to", label, self.node_name
            )

    async def _answer(self, context: LaunchContext, client: Any, request: Any) -> Any:
        """Call a service once; None without an answer in time, or where the node has ended or has to."""
        await self._until(context, client.service_is_ready, math.inf)
        if self._is_over(context):
            return None
        answer = client.call_async(request)
        await self._until(context, answer.done)
        return answer.result() if answer.done() else None

    async def _until(self, context: LaunchContext, done: Callable[[], bool], patience_s: float = _PATIENCE_S) -> None:
        """Wait for something, for so long at most, or for the end."""
        end = asyncio.get_running_loop().time() + patience_s
        while not (done() or self._is_over(context) or asyncio.get_running_loop().time() > end):
            await asyncio.sleep(_POLL_S)

    def _is_over(self, context: LaunchContext) -> bool:
        ended = self.get_asyncio_future()
        return context.is_shutdown or ended is None or ended.done()


def _event(transition_id: int) -> Any:
    """The event of a transition that has been made and was not heard of."""
    from lifecycle_msgs.msg import State, Transition, TransitionEvent

    start, goal = State(label=_STARTS[transition_id]), State(label=_ENDS[transition_id])
    return TransitionEvent(transition=Transition(label="transition_success"), start_state=start, goal_state=goal)


class LifecycleTransition(Action):
    """Takes lifecycle nodes through several transitions, each when the one before has succeeded."""

    def __init__(
        self,
        *,
        lifecycle_node_names: Sequence[SomeSubstitutionsType],
        transition_ids: Sequence[int | SomeSubstitutionsType],
        **kwargs: Any,
    ) -> None:
        """Take the nodes with these full names through these transitions.

        Raises:
            Ros2LiteError: no names or no transitions.
        """
        super().__init__(**kwargs)
        if not lifecycle_node_names or not transition_ids:
            raise Ros2LiteError("LifecycleTransition needs lifecycle_node_names and transition_ids")
        self._names = list(lifecycle_node_names)
        self._ids = list(transition_ids)

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """See the class."""
        names = [expand(context, name) for name in self._names]
        ids = [entry if isinstance(entry, int) else int(expand(context, entry)) for entry in self._ids]
        return [entity for name in names for entity in _chain(name, ids)]


def _chain(name: str, ids: list[int]) -> list[LaunchDescriptionEntity]:
    """Ask for the first transition; register, for each that follows, the arrival that lets it begin."""
    matches = matches_node_name(name)
    wishes = [EmitEvent(event=ChangeState(lifecycle_node_matcher=matches, transition_id=number)) for number in ids]
    entities: list[LaunchDescriptionEntity] = []
    for number, wish in zip(ids, wishes[1:], strict=False):
        if number not in _ENDS:
            raise Ros2LiteError(f"transition_id is {number}, expected one of {sorted(_ENDS)}")
        arrived = OnStateTransition(matcher=_arrival(matches, _ENDS[number]), entities=[wish], handle_once=True)
        entities.append(RegisterEventHandler(arrived))
    return [*entities, wishes[0]]


def _arrival(matches: Any, goal: str) -> Any:
    return lambda event: isinstance(event, StateTransition) and event.goal_state == goal and matches(event.action)
