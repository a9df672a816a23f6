"""Where heads are, and where they point."""
