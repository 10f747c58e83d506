"""DAgger: behaviour cloning of what a person would do in every state that is visited."""
