"""Behaviour cloning of texts."""
