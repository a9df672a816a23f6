"""The parts of ``rtcnn_perception run``: its plan, log of tracks, recorder and table."""
