"""RLPD: soft actor-critic with prior data, learning from task reward."""
