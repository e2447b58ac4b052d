"""Tests of the operator's work on whole relays."""
