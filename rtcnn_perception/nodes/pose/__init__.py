"""What the nodes need for the poses of heads: the camera's intrinsics, and depth."""
