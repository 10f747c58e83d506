"""Policies and the learners that train them."""
