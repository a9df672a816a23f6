"""Where things are in an image: boxes, landmarks, crops."""
