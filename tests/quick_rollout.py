"""The policy by which the tests release."""

# Quick, and so wide that a busy machine is no fault of a candidate.
ROLLOUT = """\
dev:
  steps: [100]
  watch: {seconds: 0, requests: 10, deadline_seconds: 30}
  bake: {seconds: 0, requests: 10, deadline_seconds: 30}
  limits: &limits {latency_ratio: 50, latency_slack_ms: 5000, latency_ms: 5000}
prod:
  mirror: 30
  steps: [10, 100]
  watch: {seconds: 0, requests: 10, deadline_seconds: 30}
  bake: {seconds: 0, requests: 20, deadline_seconds: 30}
  limits: *limits
"""
