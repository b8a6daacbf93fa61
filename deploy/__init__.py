"""What changes with each model: train, gate, register, release, promote, monitor; the command `mlops`."""
