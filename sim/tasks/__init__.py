"""The arm tasks, one file each; a new one is one file and one entry point."""
