"""Adaptation of a network to unlabelled pictures or raws of one's own camera."""
