"""Find faces in an image: the detectors, and the registry that names them."""
