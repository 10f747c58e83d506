"""Scripted people: a generic takeover trigger and one small controller per task."""
