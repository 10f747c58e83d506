"""The arm with the best lower confidence bound."""
