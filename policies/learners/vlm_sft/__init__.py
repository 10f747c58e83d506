"""Supervised fine-tuning of a vision-language model."""
