"""What Dropforge does, a verb a file, through the ports of `ports.py`.

Every use case may be cut off at any point and called again with the same input: intent is written before effect,
the record before its announcement, and a second call goes on where the first stopped.
"""
