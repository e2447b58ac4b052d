"""Tests of relay/realtime."""
