"""Receive signed webhooks: each one starts a session that gets what was sent (rest-runners.md 9)."""
