"""Namespaces, parameters and remappings for all nodes that follow in the same scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import expand, normalize_to_list_of_substitutions
from launch_ros.ros_node import get_ros_node
from launch_ros.utilities.namespaces import make_namespace_absolute, prefix_namespace, validate_namespace
from launch_ros.utilities.parameters import evaluate_parameters, normalize_parameters

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class PushROSNamespace(Action):
    """Puts the nodes into a namespace, within the one in force."""

    def __init__(self, namespace: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Push `namespace`."""
        super().__init__(**kwargs)
        self.namespace = normalize_to_list_of_substitutions(namespace)

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        before = context.launch_configurations.get("ros_namespace")
        namespace = make_namespace_absolute(prefix_namespace(before, expand(context, self.namespace)))
        assert namespace is not None
        validate_namespace(namespace)
        context.launch_configurations["ros_namespace"] = namespace


class SetParameter(Action):
    """Gives the nodes a parameter."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, **kwargs: Any) -> None:
        """Set `name` to `value`; see the parameters of `Node` for what a value may be."""
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)
        self.value = value
        self._parameters = normalize_parameters([{tuple(self.name): value}])

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        for values in evaluate_parameters(context, self._parameters):
            assert isinstance(values, dict)
            _extend(context, "global_params", list(values.items()))


class SetParametersFromFile(Action):
    """Gives the nodes a parameter file."""

    def __init__(self, filename: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Hand `filename` to the nodes."""
        super().__init__(**kwargs)
        self._filename = normalize_to_list_of_substitutions(filename)

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        _extend(context, "global_params", [expand(context, self._filename)])


class SetRemap(Action):
    """Gives the nodes a remapping."""

    def __init__(self, src: SomeSubstitutionsType, dst: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Remap `src` to `dst`."""
        super().__init__(**kwargs)
        self.src = normalize_to_list_of_substitutions(src)
        self.dst = normalize_to_list_of_substitutions(dst)

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        _extend(context, "ros_remaps", [(expand(context, self.src), expand(context, self.dst))])


class SetUseSimTime(Action):
    """Lets the launch itself (ROSTimer) follow `/clock`; for nodes use `SetParameter("use_sim_time", True)`."""

    def __init__(self, value: bool, **kwargs: Any) -> None:
        """Follow `/clock` or not."""
        super().__init__(**kwargs)
        self.value = value

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        from rclpy.parameter import Parameter

        get_ros_node(context).set_parameters([Parameter("use_sim_time", Parameter.Type.BOOL, self.value)])


def _extend(context: LaunchContext, key: str, entries: list[Any]) -> None:
    """Put entries behind those of the scope; a new list, so that enclosing scopes keep theirs."""
    context.launch_configurations[key] = [*context.launch_configurations.get(key, ()), *entries]
