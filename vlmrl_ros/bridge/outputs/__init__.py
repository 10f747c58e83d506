"""Output plug-ins: how an arm is told its motion. See :mod:`vlmrl_ros.bridge.outputs.output`."""
