"""The command line, `dropforge`: a command a file. Results go to stdout, everything else to stderr.

Exit codes, which a script can use, are in `exits.py`. Everything that a command needs of the world comes through the
`Wiring` of its session; nothing here imports boto3.
"""
