"""Tests of relay.services."""
