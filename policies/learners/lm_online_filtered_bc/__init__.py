"""Behaviour cloning of the best of one's own episodes of text, again and again."""
