"""The gate: may a candidate take the champion's place?"""
