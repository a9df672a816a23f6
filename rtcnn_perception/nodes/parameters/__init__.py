"""The parameters of each node, and how they are declared."""
