"""What networks learn from: readers, splits, augmentation, batches."""
