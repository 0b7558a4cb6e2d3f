"""The options of each command, without anything that takes long to import."""
