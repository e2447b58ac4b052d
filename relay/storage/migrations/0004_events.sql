-- Events that were delivered under an id of their sender's: a repeat delivers nothing (rest-runners.md 10.7, 14.1).
CREATE TABLE fired_event (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    fire_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    ts TEXT NOT NULL,
    PRIMARY KEY (user_id, fire_id)
) STRICT;
CREATE INDEX fired_event_ts ON fired_event (ts);

-- Answers of spawns that carried an idempotency key (14.4).
CREATE TABLE spawn_key (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    runner_id TEXT NOT NULL,
    key TEXT NOT NULL,
    answer TEXT NOT NULL,
    ts TEXT NOT NULL,
    PRIMARY KEY (user_id, runner_id, key)
) STRICT;
CREATE INDEX spawn_key_ts ON spawn_key (ts);

-- When the parent's viewers are to hear that a question is still open (14.3, Expiry); null when they have, or never.
ALTER TABLE delivery ADD COLUMN note_at TEXT;
CREATE INDEX delivery_note ON delivery (note_at) WHERE note_at IS NOT NULL AND closed_at IS NULL;

-- Sessions that are away: after the silent timeout they count as ended for good (sockets-agents.md 2.10).
CREATE INDEX relay_session_away ON relay_session (ended_at) WHERE ended_at IS NOT NULL AND ended_by IS NULL;
