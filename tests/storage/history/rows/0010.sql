INSERT INTO audit_log (at, event, user_id, credential_id, address, details) VALUES ('2999-01-01T00:00:00.000Z', 'key.created', 'user-jo', 'key-2', '127.0.0.1', '{}');
