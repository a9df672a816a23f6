"""Real-time CNNs that see, on a robot's CPU, who stands before it."""

from pkgutil import extend_path

# Installed editable or with symlinks, the generated rtcnn_perception.msg lies apart from here.
__path__ = extend_path(__path__, __name__)

__version__ = '0.1.0'
