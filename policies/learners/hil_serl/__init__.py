"""HIL-SERL: the RLPD backbone, learning from a sparse task reward, with takeovers as prior data."""
