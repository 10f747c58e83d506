"""RLIF: the RLPD backbone, learning from takeovers alone."""
