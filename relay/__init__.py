"""Relay between coding-agent runners and the browsers, CLIs and webhooks that watch and steer them."""

from typing import Final

__version__: Final = "0.1.0"
