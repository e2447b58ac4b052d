"""Remember who asked, for whoever writes down what was done on whose behalf."""

from __future__ import annotations

from contextvars import ContextVar

#: The address of the client whose request the current task serves (rest-account.md 12.5); empty outside of requests.
client_ip: ContextVar[str] = ContextVar("client_ip", default="")
