"""Show how a phone reaches this machine: the addresses, and the first as a QR code."""

from __future__ import annotations

import io

from relay.http.lan import lan_addresses

__all__ = ["lan_addresses", "qr_code"]


def qr_code(url: str) -> str:
    """Draw `url` for a terminal, with half blocks."""
    # Imported here: it takes time, and only --lan needs it.
    import segno

    drawing = io.StringIO()
    segno.make(url, error="m").terminal(out=drawing, compact=True)
    return drawing.getvalue().rstrip("\n")
