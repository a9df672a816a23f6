"""Model files: cards, checksums, sessions of onnxruntime, where models lie."""
