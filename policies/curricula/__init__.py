"""Curricula: easy stages of a task before the task itself."""
