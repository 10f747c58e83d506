"""LeRobotDataset v3.0: bags become one, and one becomes bags. The mapping is in ``docs/data_formats.md``."""
