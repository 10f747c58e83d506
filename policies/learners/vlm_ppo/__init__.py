"""RL4VLM's PPO on utterances."""
