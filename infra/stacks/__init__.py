"""The programs of the stacks: which components, in which order."""
