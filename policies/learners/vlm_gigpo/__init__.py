"""Reinforcement learning of utterances in groups of episodes that began alike, without a critic."""
