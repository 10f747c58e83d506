"""PPO on tokens."""
