"""A robot arm that learns from human takeovers, as a ROS 2 package."""
