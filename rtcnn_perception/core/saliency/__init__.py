"""Which pixels a network depends on: maps, overlays and figures."""
