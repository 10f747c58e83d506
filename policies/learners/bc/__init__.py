"""Behaviour cloning of demonstrations."""
