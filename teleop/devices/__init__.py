"""Input devices: each module has ``build(config)`` and gives readings numbered as in ``sensor_msgs/Joy``."""
