"""The scoring server: the same on this machine and in Azure ML's container."""
