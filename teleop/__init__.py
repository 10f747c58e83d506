"""Input devices and the decision who acts, the person or the policy."""
