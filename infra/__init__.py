"""What outlives a model on Azure: the Pulumi program of the stacks shared, dev and prod."""
