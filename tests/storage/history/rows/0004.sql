INSERT INTO fired_event VALUES ('user-jo', 'fire-1', 'event-1', '2999-01-01T00:00:00.000Z');
INSERT INTO spawn_key VALUES ('user-jo', 'runner-1', 'once', '{"ok":true}', '2999-01-01T00:00:00.000Z');
