"""Follow faces from frame to frame."""
