"""Say in one line why the operator's work can't be done."""

from __future__ import annotations


class OperatorError(Exception):
    """Carry one line that is meant for the operator."""
