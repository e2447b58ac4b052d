"""Take over the records of a PizzaPi server (rest-account.md 3, rest-runners.md 10)."""
