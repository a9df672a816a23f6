"""The ROS 2 side: rclpy and messages are used here and nowhere else in the package."""
