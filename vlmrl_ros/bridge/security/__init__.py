"""SROS 2 for the loop: who may say what, a keystore that says so, and the check that the middleware enforces it."""
