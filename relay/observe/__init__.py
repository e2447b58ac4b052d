"""Show an operator what the relay does: numbers for Prometheus, collected when somebody asks (docs/metrics.md)."""
