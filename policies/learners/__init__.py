"""Off-policy learners: one folder each, made by its ``Builder``."""
