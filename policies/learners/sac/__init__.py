"""SAC: soft actor-critic; with offline data, on both mixed."""
