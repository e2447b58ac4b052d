"""List, pin and forget stored sessions (rest-runners.md 7.1 to 7.3, 10.1)."""

from relay.sessions.history.history import History
from relay.sessions.history.retention import Retention
from relay.sessions.history.routes import HistoryRoutes

__all__ = ["History", "HistoryRoutes", "Retention"]
