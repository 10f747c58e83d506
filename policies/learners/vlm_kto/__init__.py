"""KTO on utterances: takeovers as preference data."""
