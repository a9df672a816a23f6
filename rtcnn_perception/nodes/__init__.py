"""
The ROS 2 nodes: they convert messages, call the core and publish results.

Besides them only the commands that start nodes or talk to them use rclpy (``commands/ros.py``,
``commands/benchmark``); the core knows nothing of ROS.
"""
