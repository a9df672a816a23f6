"""What every training does, whatever the task: configuration, loop, state, checkpoints."""
