"""Keep the live agent sessions: registration, the event pipeline, transcripts, links and history."""
