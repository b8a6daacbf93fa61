"""`python -m deploy` is `mlops`."""

from deploy.cli import main

main()
