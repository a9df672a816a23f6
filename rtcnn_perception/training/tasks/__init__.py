"""What networks are trained for: loss, metrics, training, export and reports of each task."""
