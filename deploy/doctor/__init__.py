"""What is checked before anything is created: each finding with its remedy."""
