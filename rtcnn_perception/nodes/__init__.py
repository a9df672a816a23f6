"""
The nodes: messages are converted and frames are taken in and handed on here.

Besides this part only the commands that start nodes or talk to them use rclpy
(``commands/ros.py``, ``commands/benchmark``); the core knows nothing of ROS.
"""
