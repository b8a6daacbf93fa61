"""One file a verb of `mlops`: `run(arguments, context)` does it."""
