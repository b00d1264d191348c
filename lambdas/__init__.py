"""The functions: each parses what woke it, calls one use case, and returns."""
