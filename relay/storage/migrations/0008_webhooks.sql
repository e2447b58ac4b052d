-- Inbound webhooks (rest-runners.md 9, 10.2). The secret before a rotation verifies until `previous_until`; deliveries are
-- numbered from 1 per webhook, and a number is never used twice.
CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until TEXT,
    event_filter TEXT,
    source TEXT NOT NULL,
    runner_id TEXT,
    cwd TEXT,
    prompt TEXT,
    model_provider TEXT,
    model_id TEXT,
    enabled INTEGER NOT NULL DEFAULT 1,
    last_delivery INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX webhook_user ON webhook (user_id);

-- What came in and was signed; bodies go earlier than their rows (`webhooks.keep_bodies`).
CREATE TABLE webhook_delivery (
    webhook_id TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    type TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    error TEXT,
    session_id TEXT,
    trigger_id TEXT,
    duration_ms INTEGER NOT NULL,
    replay_of INTEGER,
    body_size INTEGER NOT NULL,
    body BLOB,
    PRIMARY KEY (webhook_id, n)
) STRICT;
CREATE INDEX webhook_delivery_time ON webhook_delivery (received_at);
CREATE INDEX webhook_delivery_body ON webhook_delivery (received_at) WHERE body IS NOT NULL;

-- Nonces of signed deliveries as digests, for a relay that starts again; `expires_at` is epoch milliseconds.
CREATE TABLE webhook_nonce (
    webhook_id TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_nonce_expiry ON webhook_nonce (expires_at);
