"""Tests of relay.tunnel."""
