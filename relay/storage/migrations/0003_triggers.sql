-- Subscriptions of sessions and listeners of runners (rest-runners.md 10.4, 10.5). Both belong to a user, because a
-- runner id may pass to another account. The JSON holds what no query asks for.
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
CREATE INDEX trigger_subscription_session ON trigger_subscription (session_id);
CREATE INDEX trigger_subscription_runner ON trigger_subscription (runner_id);
CREATE INDEX trigger_subscription_user ON trigger_subscription (user_id);

CREATE TABLE runner_trigger_listener (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    runner_id TEXT NOT NULL,
    trigger_type TEXT NOT NULL,
    listener TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX runner_trigger_listener_runner ON runner_trigger_listener (runner_id, updated_at);
CREATE INDEX runner_trigger_listener_user ON runner_trigger_listener (user_id);
