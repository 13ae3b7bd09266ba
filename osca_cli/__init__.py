"""Learn from a few samples which model configurations to draw from, and how often."""

__version__ = "0.1.0"
