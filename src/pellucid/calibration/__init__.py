"""Noise of a camera: measured from its frames, estimated from a picture, read from profiles."""
