"""Tests of relay.runners."""
