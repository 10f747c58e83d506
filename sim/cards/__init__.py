"""The four card games of RL4VLM (Zhai et al. 2024): rules, pictures and prompts."""
