"""Drive the relay with the real published client: a stack of relay, provider stand-in and runner per test."""
