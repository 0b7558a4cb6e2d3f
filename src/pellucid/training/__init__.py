"""Training with Lightning: what is trained, on which data, by which recipe, into which folder."""
