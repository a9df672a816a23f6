"""The scenes that a detector is trained on."""
