"""Pure core: types, spec, configuration, join, replay, arbiter, safety. No ROS, no torch."""
