-- Host names of tunnels (tunnel.md 5.4): the label is the credential. Times are epoch seconds.
CREATE TABLE tunnel_label (
    label TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    port INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tunnel_label_user ON tunnel_label (user_id, used_at);
