"""What the learners that choose among whole policies share."""
