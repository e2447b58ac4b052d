"""Hold the relay's answers to its API document."""
