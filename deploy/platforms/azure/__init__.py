"""Azure Machine Learning as a platform."""
