"""Between ROS and the pure core: messages, QoS, parameters, weights, the lifecycle discipline."""
