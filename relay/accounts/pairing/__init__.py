"""Give keys to devices that cannot sign in: runners by setup claim, phones by mobile link (rest-account.md 5, 6)."""
