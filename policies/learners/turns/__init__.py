"""What learners of turns share: they train a vision-language model on what was said."""
