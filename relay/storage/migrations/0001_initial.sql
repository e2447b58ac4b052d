-- Accounts (rest-account.md 3). Times are ISO 8601 text with milliseconds and Z, so that text order is time order.
CREATE TABLE user (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    email_verified INTEGER NOT NULL DEFAULT 0,
    image TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE account (
    user_id TEXT PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,
    password TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE cookie_session (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    expires_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    ip_address TEXT,
    user_agent TEXT
) STRICT;
CREATE INDEX cookie_session_user ON cookie_session (user_id);

CREATE TABLE apikey (
    id TEXT PRIMARY KEY,
    name TEXT,
    start TEXT,
    prefix TEXT,
    key TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    enabled INTEGER NOT NULL DEFAULT 1,
    rate_limit_enabled INTEGER NOT NULL DEFAULT 0,
    rate_limit_time_window INTEGER,
    rate_limit_max INTEGER,
    request_count INTEGER NOT NULL DEFAULT 0,
    remaining INTEGER,
    refill_interval INTEGER,
    refill_amount INTEGER,
    last_refill_at TEXT,
    last_request TEXT,
    expires_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    permissions TEXT,
    metadata TEXT
) STRICT;
CREATE INDEX apikey_user ON apikey (user_id);

-- Small facts of the installation, such as how the set-up code stands.
CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Settings (rest-account.md 7).
CREATE TABLE user_hidden_model (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    model_key TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (user_id, model_key)
) STRICT;

CREATE TABLE user_preference (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT;

-- Runners (sockets-agents.md 3.12, 4.3): the id belongs to an owner, whether connected or away.
CREATE TABLE runner_identity (
    runner_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    secret_hash TEXT NOT NULL,
    name TEXT,
    profile TEXT,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL
) STRICT;
CREATE INDEX runner_identity_user ON runner_identity (user_id);

CREATE TABLE runner_recent_folder (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    runner_id TEXT NOT NULL,
    path TEXT NOT NULL,
    last_used_at TEXT NOT NULL,
    usage_count INTEGER NOT NULL DEFAULT 1,
    UNIQUE (user_id, runner_id, path)
) STRICT;

-- Sessions (rest-runners.md 10.1; sockets-agents.md 2.16, 4.3).
CREATE TABLE relay_session (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    user_name TEXT,
    cwd TEXT NOT NULL,
    share_url TEXT NOT NULL,
    started_at TEXT NOT NULL,
    last_active_at TEXT NOT NULL,
    ended_at TEXT,
    ended_by TEXT,
    is_ephemeral INTEGER NOT NULL DEFAULT 1,
    expires_at TEXT,
    keep_until TEXT,
    is_pinned INTEGER NOT NULL DEFAULT 0,
    collab_mode INTEGER NOT NULL DEFAULT 1,
    runner_id TEXT,
    runner_name TEXT,
    session_name TEXT,
    session_file TEXT,
    parent_session_id TEXT,
    linked_parent_id TEXT,
    generation TEXT,
    viewer_seq INTEGER NOT NULL DEFAULT 0,
    meta_version INTEGER NOT NULL DEFAULT 0,
    meta TEXT
) STRICT;
CREATE INDEX relay_session_page ON relay_session (user_id, is_pinned DESC, last_active_at DESC, id DESC);
CREATE INDEX relay_session_open ON relay_session (ended_at) WHERE ended_at IS NULL;
CREATE INDEX relay_session_keep ON relay_session (keep_until) WHERE keep_until IS NOT NULL;

CREATE TABLE relay_session_state (
    session_id TEXT PRIMARY KEY REFERENCES relay_session (id) ON DELETE CASCADE,
    state BLOB NOT NULL,
    overlay BLOB,
    updated_at TEXT NOT NULL
) STRICT;

-- Parent and child (sockets-agents.md 2.11). Links outlive the live records of both ends.
CREATE TABLE session_link (
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    linked_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (parent_id, child_id)
) STRICT;
CREATE INDEX session_link_child ON session_link (child_id);

CREATE TABLE delink_marker (
    child_id TEXT PRIMARY KEY,
    parent_id TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE pending_delink (
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (parent_id, child_id)
) STRICT;

-- Attachments (rest-account.md 3.4, 9). `kind` tells uploads from images that the relay took out of transcripts.
CREATE TABLE attachment (
    attachment_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('upload', 'extracted')),
    owner_user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    uploader_user_id TEXT NOT NULL,
    filename TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    disk_name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX attachment_expiry ON attachment (expires_at);

CREATE TABLE attachment_session (
    attachment_id TEXT NOT NULL REFERENCES attachment (attachment_id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    PRIMARY KEY (attachment_id, session_id)
) STRICT;
CREATE INDEX attachment_session_session ON attachment_session (session_id);

-- Trigger history (rest-runners.md 2.6) and open deliveries (10.7).
CREATE TABLE trigger_history (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    trigger_id TEXT NOT NULL,
    entry TEXT NOT NULL,
    ts TEXT NOT NULL
) STRICT;
CREATE INDEX trigger_history_session ON trigger_history (session_id, id DESC);

CREATE TABLE delivery (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    wire_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    fire_id TEXT NOT NULL,
    type TEXT NOT NULL,
    trigger TEXT NOT NULL,
    answer TEXT,
    relayed INTEGER NOT NULL DEFAULT 0,
    closed_at TEXT,
    ts TEXT NOT NULL,
    PRIMARY KEY (user_id, wire_id)
) STRICT;
CREATE INDEX delivery_parent ON delivery (parent_id) WHERE closed_at IS NULL;
CREATE INDEX delivery_child ON delivery (child_id, fire_id);
