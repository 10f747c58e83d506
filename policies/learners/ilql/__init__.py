"""Implicit Q-learning of tokens."""
