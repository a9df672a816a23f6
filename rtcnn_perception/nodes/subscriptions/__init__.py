"""Subscriptions of the nodes: what they match, what comes on them, and why nothing does."""
