"""Colours of a picture: white balance, highlights, alignment to the picture of the camera."""
