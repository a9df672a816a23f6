"""The life cycle of a node: transitions, requests, and the bond with a lifecycle manager."""
