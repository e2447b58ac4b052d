"""Examine a relay, running or not, and say what to do about what is wrong."""
