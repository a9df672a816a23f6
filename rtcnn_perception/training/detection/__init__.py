"""Finding faces: the network, what it learns from, how it is trained, exported and judged."""
