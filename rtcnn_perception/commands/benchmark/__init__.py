"""What must hold, measured: the parts of ``rtcnn_perception bench``."""
