"""The node that says who is there, in this package's messages and in those of others."""
