"""HG-DAgger: behaviour cloning of all that a person did."""
