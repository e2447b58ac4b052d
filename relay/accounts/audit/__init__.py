"""Keep an append-only log of what happened to accounts and credentials, and let owners read theirs."""
