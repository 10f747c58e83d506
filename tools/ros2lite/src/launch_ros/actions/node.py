"""ROS nodes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from launch.actions import ExecuteProcess
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.logging import get_logger
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import expand, normalize_to_list_of_substitutions
from launch_ros.parameter_descriptions import write_params
from launch_ros.substitutions import ExecutableInPackage
from launch_ros.utilities.namespaces import (
    make_namespace_absolute,
    prefix_namespace,
    validate_namespace,
    validate_node_name,
)
from launch_ros.utilities.parameters import evaluate_parameters, normalize_parameters, parameter_text
from ros2lite.errors import Ros2LiteError

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

Remappings = Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]]


class Node(ExecuteProcess):
    """Runs an executable of a package as a ROS node."""

    UNSPECIFIED_NODE_NAME = "<node_name_unspecified>"
    UNSPECIFIED_NODE_NAMESPACE = "<node_namespace_unspecified>"

    def __init__(  # noqa: PLR0913 (the keywords of the real class)
        self,
        *,
        executable: SomeSubstitutionsType,
        package: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        namespace: SomeSubstitutionsType | None = None,
        exec_name: SomeSubstitutionsType | None = None,
        parameters: Any = None,
        remappings: Remappings | None = None,
        ros_arguments: Iterable[SomeSubstitutionsType] | None = None,
        arguments: Iterable[SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        """Run the node when visited.

        Args:
            executable: of `package`; without a package, a path or a program on PATH.
            package: package that holds it.
            name: node name.
            namespace: within that of PushRosNamespace, unless it is absolute.
            exec_name: shown in the log instead of the program's name.
            parameters: dicts, paths, ParameterFiles and Parameters; later ones win.
            remappings: pairs of old and new name.
            ros_arguments: more arguments behind `--ros-args`.
            arguments: arguments of the program.
            kwargs: see `ExecuteProcess`.
        """
        program = executable if package is None else ExecutableInPackage(package=package, executable=executable)
        ros = [] if ros_arguments is None else ["--ros-args", *ros_arguments]
        super().__init__(cmd=[program, *(arguments or ()), *ros, "--ros-args"], name=exec_name, **kwargs)
        self.node_package = package
        self.node_executable = executable
        self._name = name
        self._namespace = namespace
        self._parameters = normalize_parameters([] if parameters is None else parameters)
        self._remappings = [tuple(map(normalize_to_list_of_substitutions, pair)) for pair in remappings or ()]
        self._full_name: str | None = None

    @property
    def node_name(self) -> str:
        """Name with its namespace; parts nobody gave are placeholders.

        Raises:
            Ros2LiteError: asked before the node is executed.
        """
        if self._full_name is None:
            raise Ros2LiteError("node_name is not known before the node is executed")
        return self._full_name

    def is_node_name_fully_specified(self) -> bool:
        """True if name and namespace are known."""
        return not any(part in self.node_name for part in (self.UNSPECIFIED_NODE_NAME, self.UNSPECIFIED_NODE_NAMESPACE))

    def execute(self, context: LaunchContext) -> None:
        """Compute the ROS arguments and start the process."""
        self._expand_ros_arguments(context)
        super().execute(context)
        if self.is_node_name_fully_specified():
            self._warn_of_twin(context)

    def _expand_ros_arguments(self, context: LaunchContext) -> None:
        if self._full_name is not None:
            raise Ros2LiteError(f"node '{self._full_name}' was to be executed more than once")
        extension = [*self._identity(context), *self._parameter_arguments(context), *self._remap_arguments(context)]
        self.cmd.extend(normalize_to_list_of_substitutions(part) for part in extension)

    def _identity(self, context: LaunchContext) -> list[str]:
        name, rules = self.UNSPECIFIED_NODE_NAME, []
        if self._name is not None:
            name = expand(context, self._name)
            validate_node_name(name)
            rules += ["-r", f"__node:={name}"]
        given = None if self._namespace is None else expand(context, self._namespace)
        namespace = make_namespace_absolute(prefix_namespace(context.launch_configurations.get("ros_namespace"), given))
        if namespace is not None:
            validate_namespace(namespace)
            rules += ["-r", f"__ns:={namespace}"]
        full_name = prefix_namespace(self.UNSPECIFIED_NODE_NAMESPACE if namespace is None else namespace, name)
        assert full_name is not None
        self._full_name = full_name
        return rules

    def _parameter_arguments(self, context: LaunchContext) -> list[str]:
        entries: list[Any] = list(context.launch_configurations.get("global_params", ()))
        arguments: list[str] = []
        for entry in [*entries, *evaluate_parameters(context, self._parameters)]:
            if isinstance(entry, tuple):
                arguments += ["-p", f"{entry[0]}:={parameter_text(entry[1])}"]
            elif isinstance(entry, dict):
                arguments += ["--params-file", str(self._write(context, entry))]
            elif Path(entry).is_file():
                arguments += ["--params-file", os.path.abspath(entry)]
            else:
                raise Ros2LiteError(f"parameter file '{entry}' of node '{self.node_name}' does not exist")
        return arguments

    def _remap_arguments(self, context: LaunchContext) -> list[str]:
        own = [tuple(expand(context, part) for part in pair) for pair in self._remappings]
        pairs = [*context.launch_configurations.get("ros_remaps", ()), *own]
        return [part for old, new in pairs for part in ("-r", f"{old}:={new}")]

    def _write(self, context: LaunchContext, parameters: dict[str, Any]) -> Path:
        node = self.node_name if self.is_node_name_fully_specified() else "/**"
        return write_params(context, yaml.safe_dump({node: {"ros__parameters": parameters}}, default_flow_style=False))

    def _warn_of_twin(self, context: LaunchContext) -> None:
        """Warn of another node of this name; one that has ended, and that this one may replace, is none."""
        names: Counter[str] = context.get_locals_as_dict().get("node_names", Counter())
        names[self.node_name] += 1
        context.extend_globals({"node_names": names})

        def ended(event: ProcessExited, context: LaunchContext) -> None:
            names[self.node_name] -= 1

        context.register_event_handler(OnProcessExit(target_action=self, on_exit=ended, handle_once=True))
        if names[self.node_name] > 1:
            get_logger(self.name).warning(
                "there are now at least %s nodes with the name %s created within this launch context",
                names[self.node_name], self.node_name,
            )  # fmt: skip
