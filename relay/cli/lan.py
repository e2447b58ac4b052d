"""Show an address as a QR code, for a phone."""

from __future__ import annotations

import io


def qr_code(url: str) -> str:
    """Draw `url` for a terminal, with half blocks."""
    # Imported here: it takes time, and only --lan needs it.
    import segno

    drawing = io.StringIO()
    segno.make(url, error="m").terminal(out=drawing, compact=True)
    return drawing.getvalue().rstrip("\n")
