"""Statistics and pictures of what was learnt. Pure: no simulator, no ROS."""
