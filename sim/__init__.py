"""Simulated arms, tasks and scripted operators behind one task protocol."""
