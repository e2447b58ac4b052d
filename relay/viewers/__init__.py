"""Serve the browsers that watch sessions: namespaces `/viewer` and `/hub` (sockets-browsers.md 1 to 4)."""
