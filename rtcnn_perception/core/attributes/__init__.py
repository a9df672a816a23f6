"""What the networks predict for each face, and how well it is visible."""
