"""AWAC: an actor-critic whose actor clones what the critics find better than itself."""
