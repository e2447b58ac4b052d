"""Keep the tunnel sockets of runners (tunnel.md)."""
