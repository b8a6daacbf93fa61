"""What carries out the work: local (this machine) or azure, behind one protocol."""
