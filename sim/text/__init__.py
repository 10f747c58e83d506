"""Text tasks: the rules, data and anchors of LMRL-Gym's tasks, as plug-ins of the group ``vlmrl_ros.text_tasks``."""
