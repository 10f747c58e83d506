"""The reward classifier: does a frame show success? Trained on frames that an operator marked."""
