"""The steps of the pipeline, in the order of flow: ingest, prepare, train, evaluate. Each is a process."""
