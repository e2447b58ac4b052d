"""Carry what runner services announce, and the messages between them, browsers and agents."""
