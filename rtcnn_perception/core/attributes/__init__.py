"""What the networks say about each face, and how well it can be seen."""
