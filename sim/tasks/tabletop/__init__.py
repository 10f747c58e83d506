"""Things on a table that are put where a sentence says."""
