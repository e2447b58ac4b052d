-- What happened to accounts and credentials. Rows are added and, when they are old, deleted; none is ever changed.
-- There is no foreign key: the log of an account outlives it.
CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    user_id TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    address TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;

CREATE INDEX audit_log_user ON audit_log (user_id, id);
CREATE INDEX audit_log_addresses ON audit_log (credential_id, address) WHERE event = 'key.new_address';

CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
