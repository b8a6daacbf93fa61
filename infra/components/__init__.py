"""One component of a stack in each file: a frozen configuration in, outputs as attributes."""
