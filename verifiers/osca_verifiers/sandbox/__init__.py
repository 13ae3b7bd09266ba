"""Runs code that nobody vouches for. See docs/sandbox.md."""
