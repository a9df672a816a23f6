"""Where frames come from without a camera node: devices, videos, pictures, the built-in clip."""
