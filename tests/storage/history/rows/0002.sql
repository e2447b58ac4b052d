INSERT INTO setup_claim VALUES ('claim-1', 'pending', 'http://localhost:7492', 'laptop', NULL, NULL, '2026-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z', NULL, NULL);
INSERT INTO mobile_link VALUES ('link-1', 'pending', 'http://localhost:7492', 'user-jo', NULL, NULL, NULL, NULL, '2026-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z', NULL, NULL, NULL);
