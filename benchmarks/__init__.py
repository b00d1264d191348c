"""What is fast, measured against what; each module is a command: `python -m benchmarks.<name>`."""
