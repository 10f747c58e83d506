"""The arm with the best mean return."""
