"""What learns: one file a library. Only the training step imports these."""
