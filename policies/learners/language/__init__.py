"""What the learners of language share."""
