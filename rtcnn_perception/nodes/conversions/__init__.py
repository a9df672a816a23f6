"""Between messages and the core: images, encodings, faces."""
