INSERT INTO webhook (id, user_id, name, secret, source, created_at, updated_at, last_delivery) VALUES ('wh_1', 'user-jo', 'deploy', 'secret-of-deploy', 'ci', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 1);
INSERT INTO webhook_delivery VALUES ('wh_1', 1, '2999-01-01T00:00:00.000Z', 'build', 'delivered', 200, NULL, 'session-1', NULL, 12, NULL, 2, X'7B7D');
INSERT INTO webhook_nonce VALUES ('wh_1', X'0102', 32472144000000);
