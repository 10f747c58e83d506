"""Behaviour cloning of the best episodes of text."""
