"""Keep what users chose: hidden models and preferences (rest-account.md 7)."""
