"""What models are judged by."""
