"""CQL: conservative Q-learning."""
