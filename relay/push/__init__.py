"""Tell people away from the screen what their agents do, by Web Push (rest-account.md 8)."""
