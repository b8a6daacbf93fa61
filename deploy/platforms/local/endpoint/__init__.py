"""A local endpoint: one process that splits traffic between deployments, each a process of its own."""
