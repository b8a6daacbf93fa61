"""What is learnt and how it answers: no cloud SDK, runs on a laptop."""
