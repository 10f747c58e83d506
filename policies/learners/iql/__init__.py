"""IQL: implicit Q-learning, which never asks for the value of an action that is not in the data."""
