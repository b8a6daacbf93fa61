"""What a deployment does in front of real requests, as far as Azure tells."""
