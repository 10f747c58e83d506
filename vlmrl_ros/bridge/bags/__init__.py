"""Bags: every step of every run as rosbag2 folders of MCAP files, one folder an episode. A bag is a data set."""
