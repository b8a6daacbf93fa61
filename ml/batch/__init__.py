"""Batch scoring: the rows of files with a model's predictions beside them, in bounded memory."""
