"""Keep files that belong to sessions: what users upload and images that transcripts carry (rest-account.md 9)."""
