"""Dropforge: push a commit or drop a file, and get exactly one recorded training run.

`domain` says what things are, `workflow` what is done with them, `adapters` how AWS does it; imports point inwards.
"""
