"""Draw results into pictures."""
