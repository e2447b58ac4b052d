-- Web Push (rest-account.md 8). `suppress_child` is null until the user has chosen (8.5).
CREATE TABLE push_subscription (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    endpoint TEXT NOT NULL,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    enabled_events TEXT NOT NULL,
    suppress_child INTEGER CHECK (suppress_child IN (0, 1)),
    created_at TEXT NOT NULL,
    UNIQUE (user_id, endpoint)
) STRICT;
