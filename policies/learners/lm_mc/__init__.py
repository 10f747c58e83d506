"""Monte-Carlo values of tokens."""
