"""Thin shells around the core, one for each executable."""
