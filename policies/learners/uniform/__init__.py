"""Every arm alike."""
