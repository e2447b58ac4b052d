"""Open shells on runners and show them to their owner's browsers."""
