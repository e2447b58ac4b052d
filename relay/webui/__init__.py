"""The relay's own web UI: its sources, its built page in `dist`, and how it is served."""
