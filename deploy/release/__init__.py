"""Bringing an endpoint from observed to wanted: plan, then act, then watch."""
