"""Know the users: passwords, cookie sessions, API keys, registration and first-run set-up (rest-account.md 1 to 4)."""
