BEGIN TRANSACTION;
CREATE TABLE account (
    user_id TEXT PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,
    password TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
INSERT INTO "account" VALUES('user-jo','1c9f03e61c2448032ec629179056fdb3:e2d588c526c9755614017e55559c65260e933399e4e8ba2d817ea106a78b3b435aab6a402fbacfb8df6ac78fc7ef482a890773fc169ff894783df81b216e3a46','2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z');
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
, scope TEXT NOT NULL DEFAULT 'full' CHECK (scope IN ('full', 'runner', 'read', 'webhooks'))) STRICT;
INSERT INTO "apikey" VALUES('key-1','cli','pk_live_01234567','pk_live_','EmQozce-X02BG4eEXXNeMbeMDyrwhj4z-ZqMBooFHrA','user-jo',1,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z',NULL,NULL,'full');
INSERT INTO "apikey" VALUES('key-2','dashboard','pk_live_76543210','pk_live_','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','user-jo',1,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z',NULL,NULL,'read');
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
INSERT INTO "attachment" VALUES('00000000-0000-4000-8000-000000000001','upload','user-jo','user-jo','note.txt','text/plain',5,'00000000-0000-4000-8000-000000000002-note.txt','2026-01-01T00:00:00.000Z','2999-01-01T00:00:00.000Z');
CREATE TABLE attachment_file_gone (
    disk_name TEXT PRIMARY KEY
) STRICT;
CREATE TABLE attachment_session (
    attachment_id TEXT NOT NULL REFERENCES attachment (attachment_id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    PRIMARY KEY (attachment_id, session_id)
) STRICT;
INSERT INTO "attachment_session" VALUES('00000000-0000-4000-8000-000000000001','session-1');
CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    user_id TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    address TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
INSERT INTO "audit_log" VALUES(1,'2999-01-01T00:00:00.000Z','key.created','user-jo','key-2','127.0.0.1','{}');
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
INSERT INTO "cookie_session" VALUES('login-1','AbCdEfGhIjKlMnOpQrStUvWxYz012345','user-jo','2999-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z','127.0.0.1','a browser');
CREATE TABLE delink_marker (
    child_id TEXT PRIMARY KEY,
    parent_id TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
INSERT INTO "delink_marker" VALUES('session-3','session-1','2999-01-01T00:00:00.000Z');
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
    ts TEXT NOT NULL, note_at TEXT,
    PRIMARY KEY (user_id, wire_id)
) STRICT;
INSERT INTO "delivery" VALUES('user-jo','wire-1','session-1','session-2','fire-1','ask_user_question','{}',NULL,0,NULL,'2999-01-01T00:00:00.000Z',NULL);
CREATE TABLE fired_event (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    fire_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    ts TEXT NOT NULL,
    PRIMARY KEY (user_id, fire_id)
) STRICT;
INSERT INTO "fired_event" VALUES('user-jo','fire-1','event-1','2999-01-01T00:00:00.000Z');
CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
INSERT INTO "installation" VALUES('note','kept');
CREATE TABLE mobile_link (
    digest TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('pending', 'scanned', 'approved', 'expired')),
    relay_url TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    verification_token TEXT,
    device_name TEXT,
    scanned_url TEXT,
    key_id TEXT REFERENCES apikey (id) ON DELETE SET NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    scanned_at TEXT,
    approved_at TEXT,
    redeemed_at TEXT
) STRICT;
INSERT INTO "mobile_link" VALUES('link-1','pending','http://localhost:7492','user-jo',NULL,NULL,NULL,NULL,'2026-01-01T00:00:00.000Z','2999-01-01T00:00:00.000Z',NULL,NULL,NULL);
CREATE TABLE pending_delink (
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (parent_id, child_id)
) STRICT;
INSERT INTO "pending_delink" VALUES('session-1','session-4','2999-01-01T00:00:00.000Z');
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
INSERT INTO "push_subscription" VALUES('push-1','user-jo','https://push.example.com/send/1','BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM','tBHItJI5svbpez7KI4CCXg','*',NULL,'2026-01-01T00:00:00.000Z');
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
, first_prompt TEXT) STRICT;
INSERT INTO "relay_session" VALUES('session-1','user-jo','Jo','/home/jo/project','http://localhost:7492/session/session-1','2026-01-01T00:00:00.000Z','2026-01-01T01:00:00.000Z','2026-01-01T01:00:00.000Z','deliberate',0,NULL,NULL,1,1,'runner-1','laptop','the pinned one',NULL,NULL,NULL,NULL,0,0,NULL,NULL);
CREATE TABLE relay_session_state (
    session_id TEXT PRIMARY KEY REFERENCES relay_session (id) ON DELETE CASCADE,
    state BLOB NOT NULL,
    overlay BLOB,
    updated_at TEXT NOT NULL
) STRICT;
INSERT INTO "relay_session_state" VALUES('session-1',X'7B226D65737361676573223A5B7B22726F6C65223A2275736572222C22636F6E74656E74223A2268656C6C6F227D5D7D',NULL,'2026-01-01T01:00:00.000Z');
CREATE TABLE runner_identity (
    runner_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    secret_hash TEXT NOT NULL,
    name TEXT,
    profile TEXT,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL
) STRICT;
INSERT INTO "runner_identity" VALUES('runner-1','user-jo','hash','laptop',NULL,'2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z');
CREATE TABLE runner_recent_folder (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    runner_id TEXT NOT NULL,
    path TEXT NOT NULL,
    last_used_at TEXT NOT NULL,
    usage_count INTEGER NOT NULL DEFAULT 1,
    UNIQUE (user_id, runner_id, path)
) STRICT;
INSERT INTO "runner_recent_folder" VALUES(1,'user-jo','runner-1','/home/jo/project','2026-01-01T00:00:00.000Z',3);
CREATE TABLE runner_trigger_listener (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    runner_id TEXT NOT NULL,
    trigger_type TEXT NOT NULL,
    listener TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
INSERT INTO "runner_trigger_listener" VALUES('listener-1','user-jo','runner-1','git:push','{"prompt":"look","cwd":"/home/jo/project","model":null,"params":null,"autoClose":false}','2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z');
CREATE TABLE session_link (
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    linked_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (parent_id, child_id)
) STRICT;
INSERT INTO "session_link" VALUES('session-1','session-2','2026-01-01T00:00:00.000Z','2999-01-01T00:00:00.000Z');
CREATE TABLE setup_claim (
    digest TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'redeemed', 'expired')),
    relay_url TEXT NOT NULL,
    label TEXT,
    user_id TEXT REFERENCES user (id) ON DELETE CASCADE,
    key_id TEXT REFERENCES apikey (id) ON DELETE SET NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    approved_at TEXT,
    redeemed_at TEXT
) STRICT;
INSERT INTO "setup_claim" VALUES('claim-1','pending','http://localhost:7492','laptop',NULL,NULL,'2026-01-01T00:00:00.000Z','2999-01-01T00:00:00.000Z',NULL,NULL);
CREATE TABLE spawn_key (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    runner_id TEXT NOT NULL,
    key TEXT NOT NULL,
    answer TEXT NOT NULL,
    ts TEXT NOT NULL,
    PRIMARY KEY (user_id, runner_id, key)
) STRICT;
INSERT INTO "spawn_key" VALUES('user-jo','runner-1','once','{"ok":true}','2999-01-01T00:00:00.000Z');
CREATE TABLE trigger_history (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    trigger_id TEXT NOT NULL,
    entry TEXT NOT NULL,
    ts TEXT NOT NULL
) STRICT;
INSERT INTO "trigger_history" VALUES(1,'session-1','trigger-1','{"type":"time:tick"}','2026-01-01T00:00:00.000Z');
CREATE TABLE trigger_subscription (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    runner_id TEXT NOT NULL,
    trigger_type TEXT NOT NULL,
    subscription TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
INSERT INTO "trigger_subscription" VALUES('subscription-1','user-jo','session-1','runner-1','time:cron','{"deliverAs":"steer","params":{"cron":"0 9 * * 1"},"filters":[["branch","main","eq",true]],"filterMode":"and"}','2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z');
CREATE TABLE tunnel_label (
    label TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    port INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "tunnel_label" VALUES('abcdefghijklmnop','user-jo','runner:runner-1',8080,32472144000,1767225600);
CREATE TABLE user (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    email_verified INTEGER NOT NULL DEFAULT 0,
    image TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
INSERT INTO "user" VALUES('user-jo','Jo','jo@example.com',0,NULL,'2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z');
INSERT INTO "user" VALUES('user-sam','Sam','sam@example.com',1,'https://example.com/sam.png','2026-01-02T00:00:00.000Z','2026-01-02T00:00:00.000Z');
CREATE TABLE user_hidden_model (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    model_key TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (user_id, model_key)
) STRICT;
INSERT INTO "user_hidden_model" VALUES('user-jo','anthropic/old','2026-01-01T00:00:00.000Z');
CREATE TABLE user_preference (
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT;
INSERT INTO "user_preference" VALUES('user-jo','theme','"dark"','2026-01-01T00:00:00.000Z');
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
INSERT INTO "webhook" VALUES('wh_1','user-jo','deploy','secret-of-deploy',NULL,NULL,NULL,'ci',NULL,NULL,NULL,NULL,NULL,1,1,'2026-01-01T00:00:00.000Z','2026-01-01T00:00:00.000Z');
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
INSERT INTO "webhook_delivery" VALUES('wh_1',1,'2999-01-01T00:00:00.000Z','build','delivered',200,NULL,'session-1',NULL,12,NULL,2,X'7B7D');
CREATE TABLE webhook_nonce (
    webhook_id TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO "webhook_nonce" VALUES('wh_1',X'0102',32472144000000);
CREATE INDEX cookie_session_user ON cookie_session (user_id);
CREATE INDEX apikey_user ON apikey (user_id);
CREATE INDEX runner_identity_user ON runner_identity (user_id);
CREATE INDEX relay_session_page ON relay_session (user_id, is_pinned DESC, last_active_at DESC, id DESC);
CREATE INDEX relay_session_open ON relay_session (ended_at) WHERE ended_at IS NULL;
CREATE INDEX relay_session_keep ON relay_session (keep_until) WHERE keep_until IS NOT NULL;
CREATE INDEX session_link_child ON session_link (child_id);
CREATE INDEX attachment_expiry ON attachment (expires_at);
CREATE INDEX attachment_session_session ON attachment_session (session_id);
CREATE INDEX trigger_history_session ON trigger_history (session_id, id DESC);
CREATE INDEX delivery_parent ON delivery (parent_id) WHERE closed_at IS NULL;
CREATE INDEX delivery_child ON delivery (child_id, fire_id);
CREATE INDEX setup_claim_expiry ON setup_claim (expires_at);
CREATE INDEX setup_claim_key ON setup_claim (key_id) WHERE key_id IS NOT NULL;
CREATE INDEX mobile_link_expiry ON mobile_link (expires_at);
CREATE INDEX mobile_link_key ON mobile_link (key_id) WHERE key_id IS NOT NULL;
CREATE INDEX trigger_subscription_session ON trigger_subscription (session_id);
CREATE INDEX trigger_subscription_runner ON trigger_subscription (runner_id);
CREATE INDEX trigger_subscription_user ON trigger_subscription (user_id);
CREATE INDEX runner_trigger_listener_runner ON runner_trigger_listener (runner_id, updated_at);
CREATE INDEX runner_trigger_listener_user ON runner_trigger_listener (user_id);
CREATE INDEX fired_event_ts ON fired_event (ts);
CREATE INDEX spawn_key_ts ON spawn_key (ts);
CREATE INDEX delivery_note ON delivery (note_at) WHERE note_at IS NOT NULL AND closed_at IS NULL;
CREATE INDEX relay_session_away ON relay_session (ended_at) WHERE ended_at IS NOT NULL AND ended_by IS NULL;
CREATE TRIGGER attachment_deleted AFTER DELETE ON attachment
BEGIN
    INSERT OR IGNORE INTO attachment_file_gone (disk_name) VALUES (OLD.disk_name);
END;
CREATE INDEX attachment_file ON attachment (disk_name);
CREATE INDEX tunnel_label_user ON tunnel_label (user_id, used_at);
CREATE INDEX webhook_user ON webhook (user_id);
CREATE INDEX webhook_delivery_time ON webhook_delivery (received_at);
CREATE INDEX webhook_delivery_body ON webhook_delivery (received_at) WHERE body IS NOT NULL;
CREATE INDEX webhook_nonce_expiry ON webhook_nonce (expires_at);
CREATE INDEX audit_log_user ON audit_log (user_id, id);
CREATE INDEX audit_log_addresses ON audit_log (credential_id, address) WHERE event = 'key.new_address';
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit_log',1);
COMMIT;
PRAGMA user_version = 11;
