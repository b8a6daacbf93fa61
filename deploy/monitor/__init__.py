"""Watches what prod is asked: drift of the rows, performance once labels come, and the verdict on both."""
