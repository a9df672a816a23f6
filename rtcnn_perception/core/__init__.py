"""
Perception without ROS: NumPy, OpenCV and onnxruntime only.

The image contract, which holds wherever a docstring does not say otherwise:

- An image is ``(H, W, 3)`` uint8, BGR. A name that ends in ``_rgb`` or ``_gray`` says otherwise;
  gray is ``(H, W)`` uint8.
- Images are never written to: a frame is shared between stages and threads.
- x points right and y down (REP-103, optical frame). Pixel ``i`` covers ``[i, i + 1)``, so that a
  box ``x0, y0, x1, y1`` is half-open and its width is ``x1 - x0``.
- Time is in seconds as float, a probability in [0, 1], an angle in degrees, positive where it is
  clockwise in the image.
"""
