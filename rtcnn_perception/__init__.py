"""Real-time CNNs that see, on a robot's CPU, who stands before it."""

__version__ = '0.1.0'
