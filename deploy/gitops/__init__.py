"""What stands behind the workflows: what a merge concerns, bound plans, proposals, the comment of a pull request."""
