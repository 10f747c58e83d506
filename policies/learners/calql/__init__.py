"""Cal-QL: conservative Q-learning whose values are never pushed below the return that was lived."""
