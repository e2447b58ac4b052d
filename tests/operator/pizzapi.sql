-- What a PizzaPi server (0.1.32) stored after a short day of use: sign-up and sign-in, two more keys, settings, push
-- subscriptions, webhooks, a runner with a listener, a pinned session with a schedule, an image and an upload, an ended one.
-- Names of tables and columns are the server's; ends of life were moved far away so that the values stay good.

CREATE TABLE user (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, emailVerified INTEGER NOT NULL, image TEXT,
    createdAt DATE NOT NULL, updatedAt DATE NOT NULL
);
INSERT INTO user VALUES ('u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'Jo', 'jo@example.com', 0, NULL, '2026-11-24T15:56:52.849Z', '2026-11-24T15:56:52.849Z');

CREATE TABLE session (
    id TEXT PRIMARY KEY, expiresAt DATE NOT NULL, token TEXT NOT NULL, createdAt DATE NOT NULL,
    updatedAt DATE NOT NULL, ipAddress TEXT, userAgent TEXT, userId TEXT NOT NULL
);
INSERT INTO session VALUES ('oxeBeUpgp1ljpE2VcBO9lGAcM5Sn7LkI', '2999-12-01T15:56:52.860Z', 'axrSnlqHVSCnssd72gNAlWVWcAuHjxmR', '2026-11-24T15:56:52.860Z', '2026-11-24T15:56:52.860Z', '', '', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3');
INSERT INTO session VALUES ('xk7UYfdgj0bnvxSJdyeD5zwilaSrtSqu', '2999-12-01T15:56:53.376Z', 'qVF80KwLTldIgAkgRqVnqRDSdjRTKHRQ', '2026-11-24T15:56:53.376Z', '2026-11-24T15:56:53.376Z', '127.0.0.1', 'Mozilla/5.0', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3');

CREATE TABLE account (
    id TEXT PRIMARY KEY, accountId TEXT NOT NULL, providerId TEXT NOT NULL, userId TEXT NOT NULL, accessToken TEXT,
    refreshToken TEXT, idToken TEXT, accessTokenExpiresAt DATE, refreshTokenExpiresAt DATE, scope TEXT,
    password TEXT, createdAt DATE NOT NULL, updatedAt DATE NOT NULL
);
INSERT INTO account VALUES ('ZiRfxKsgk4V06eqjGad0425G4QCOV6Qy', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'credential', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', NULL, NULL, NULL, NULL, NULL, NULL, '03ee8bced23cbbcfb6dc5d3b283e869d:9ec22e6e203eb523f74ed580d73d62ada00a1321e2d646b9ad80d9e411142577afe11095e51d23a8e082c3f6ca711f65a0125fb85a4613bfa34896c64d966054', '2026-11-24T15:56:52.859Z', '2026-11-24T15:56:52.859Z');

CREATE TABLE verification (
    id TEXT PRIMARY KEY, identifier TEXT NOT NULL, value TEXT NOT NULL, expiresAt DATE NOT NULL,
    createdAt DATE NOT NULL, updatedAt DATE NOT NULL
);

CREATE TABLE apikey (
    id TEXT PRIMARY KEY, name TEXT, start TEXT, prefix TEXT, key TEXT NOT NULL, userId TEXT NOT NULL,
    refillInterval INTEGER, refillAmount INTEGER, lastRefillAt DATE, enabled INTEGER, rateLimitEnabled INTEGER,
    rateLimitTimeWindow INTEGER, rateLimitMax INTEGER, requestCount INTEGER, remaining INTEGER, lastRequest DATE,
    expiresAt DATE, createdAt DATE NOT NULL, updatedAt DATE NOT NULL, permissions TEXT, metadata TEXT
);
INSERT INTO apikey VALUES ('63cf555d-204f-4e54-8cf5-6d6418b36c49', 'cli', '16b84cc1', NULL, 'WTO2k-x2RGy9SmpQkGuet0FzV3g3hfAx4V3LVJjF11c', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', NULL, NULL, NULL, 1, 0, NULL, NULL, 0, NULL, '2026-11-24T15:57:04.482Z', NULL, '2026-11-24T15:56:52.872Z', '2026-11-24T15:57:04.482Z', NULL, 'null');
INSERT INTO apikey VALUES ('si9pb3GEUdepaS3lQPv9cSrBNiIqAs9h', 'runner', 'ppruSJ', 'ppru', 'MuZiHsIIROaosQUIV1Mm_h0FQ-Bt5-mPsEUXM6eWEgQ', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', NULL, NULL, NULL, 1, 0, 86400000, 10, 0, NULL, '2026-11-24T15:56:55.428Z', NULL, '2026-11-24T15:56:53.425Z', '2026-11-24T15:56:55.428Z', NULL, 'null');
INSERT INTO apikey VALUES ('Euyyw7E5CvMQBGMEKyB7YqwtqmuuAt0H', 'short', 'zfNRfi', NULL, 'urkbEKBpE72K0zyp9FjcNJDLU_HqnAqxYSgJie5HCc4', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', NULL, NULL, NULL, 1, 0, 86400000, 10, 0, NULL, NULL, '2999-09-20T15:56:53.438Z', '2026-11-24T15:56:53.438Z', '2026-11-24T15:56:53.438Z', NULL, 'null');

CREATE TABLE relay_session (
    id TEXT PRIMARY KEY, userId TEXT, userName TEXT, cwd TEXT NOT NULL, shareUrl TEXT NOT NULL,
    startedAt TEXT NOT NULL, lastActiveAt TEXT NOT NULL, endedAt TEXT, isEphemeral INTEGER NOT NULL DEFAULT 1,
    expiresAt TEXT, isPinned INTEGER NOT NULL DEFAULT 0, runnerId TEXT, runnerName TEXT, sessionName TEXT,
    generation TEXT
);
INSERT INTO relay_session VALUES ('bbf7c610-3148-4f66-a9db-05ece0e6c86a', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'Jo', '/home/jo/project', 'http://127.0.0.1:7492/session/bbf7c610-3148-4f66-a9db-05ece0e6c86a', '2026-11-24T15:56:54.230Z', '2026-11-24T15:57:04.492Z', '2026-11-24T15:57:04.492Z', 1, '2026-11-24T16:07:04.492Z', 1, 'runner-1', 'laptop', 'fixed', 'a0da6dc1-d6e4-449d-b00c-e01dd6d344f0');
INSERT INTO relay_session VALUES ('07aae515-ee9b-43fd-96df-1dbee6b2d71a', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'Jo', '/home/jo/other', 'http://127.0.0.1:7492/session/07aae515-ee9b-43fd-96df-1dbee6b2d71a', '2026-11-24T15:56:55.433Z', '2026-11-24T15:56:56.468Z', '2026-11-24T15:56:56.468Z', 1, '2026-11-24T16:06:56.468Z', 0, 'runner-1', 'laptop', NULL, '2070b17d-f49d-4670-b68d-ce5646c95684');

CREATE TABLE relay_session_state (
    sessionId TEXT PRIMARY KEY, state TEXT NOT NULL, snapshotOverlay TEXT, updatedAt TEXT NOT NULL
);
INSERT INTO relay_session_state VALUES ('bbf7c610-3148-4f66-a9db-05ece0e6c86a', '{"messages":[{"role":"user","content":[{"type":"text","text":"hello"},{"type":"image","mimeType":"image/png","source":{"type":"url","url":"/api/attachments/37ddfb19dcea2a62c8708a57","extracted":true,"originalSizeBytes":12000}}],"timestamp":1700000000000},{"role":"assistant","content":[{"type":"text","text":"I am at it."}],"timestamp":1700000001000}],"model":{"provider":"anthropic","id":"claude-sonnet-4"},"sessionName":"fixed","cwd":"/home/jo/project"}', NULL, '2026-11-24T15:57:04.490Z');
INSERT INTO relay_session_state VALUES ('07aae515-ee9b-43fd-96df-1dbee6b2d71a', '{"messages":[{"role":"user","content":"x"}]}', NULL, '2026-11-24T15:56:56.462Z');

CREATE TABLE push_subscription (
    id TEXT PRIMARY KEY, userId TEXT NOT NULL, endpoint TEXT NOT NULL, keys TEXT NOT NULL, createdAt TEXT NOT NULL,
    enabledEvents TEXT NOT NULL DEFAULT '*', suppressChildNotifications INTEGER NOT NULL DEFAULT 0
);
INSERT INTO push_subscription VALUES ('1e0fd6d8-c1fb-4884-a9b6-b7c1d0ec91c8', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'https://push.example.com/send/abc', '{"p256dh":"BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM","auth":"tBHItJI5svbpez7KI4CCXg"}', '2026-11-24T15:56:53.553Z', 'agent_needs_input,agent_error', 0);
INSERT INTO push_subscription VALUES ('804e65be-2ad9-4648-bf03-0c4702a1e4ca', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'https://push.example.com/send/def', '{"p256dh":"BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM","auth":"tBHItJI5svbpez7KI4CCXg"}', '2026-11-24T15:56:53.566Z', '*', 1);

CREATE TABLE user_hidden_model (
    id TEXT PRIMARY KEY, userId TEXT NOT NULL, modelKey TEXT NOT NULL, createdAt TEXT NOT NULL
);
INSERT INTO user_hidden_model VALUES ('128662dd-1d00-4ad4-812e-3f6c8b4b5bfd', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'anthropic/old', '2026-11-24T15:56:53.498Z');
INSERT INTO user_hidden_model VALUES ('a33606b5-1c90-4b50-8feb-a0cff9c392f5', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'openai/older', '2026-11-24T15:56:53.498Z');

CREATE TABLE user_preference (
    id TEXT PRIMARY KEY, userId TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, updatedAt TEXT NOT NULL
);
INSERT INTO user_preference VALUES ('938e8693-64b2-4cf4-89d2-a1fabcf6f25b', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'subagent-model', 'anthropic/claude-sonnet-4', '2026-11-24T15:56:53.531Z');

CREATE TABLE runner_recent_folder (
    id TEXT PRIMARY KEY, userId TEXT NOT NULL, runnerId TEXT NOT NULL, path TEXT NOT NULL,
    lastUsedAt TEXT NOT NULL, usageCount INTEGER NOT NULL DEFAULT 1
);
INSERT INTO runner_recent_folder VALUES ('0c811132-c836-45c0-8dbb-1730f6ab70d5', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'runner-1', '/home/jo/project', '2026-11-24T15:56:54.315Z', 1);
INSERT INTO runner_recent_folder VALUES ('fcdc6041-dc15-4864-b23d-d0fedeb228af', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'runner-1', '/home/jo/other', '2026-11-24T15:56:55.447Z', 1);

CREATE TABLE runner_trigger_listener (
    id TEXT PRIMARY KEY, runnerId TEXT NOT NULL, triggerType TEXT NOT NULL, listenerJson TEXT NOT NULL,
    updatedAt TEXT NOT NULL
);
INSERT INTO runner_trigger_listener VALUES ('listener:runner-1:github:push:1795535815376:pxCKl7Vp', 'runner-1', 'github:push', '{"listenerId":"listener:runner-1:github:push:1795535815376:pxCKl7Vp","triggerType":"github:push","prompt":"review it","cwd":"/home/jo/project","model":{"provider":"anthropic","id":"claude-sonnet-4"},"autoClose":true,"createdAt":"2026-11-24T15:56:55.376Z"}', '2026-11-24T15:56:55.376Z');

CREATE TABLE trigger_subscription (
    id TEXT PRIMARY KEY, sessionId TEXT NOT NULL, runnerId TEXT NOT NULL, triggerType TEXT NOT NULL,
    subscriptionJson TEXT NOT NULL, updatedAt TEXT NOT NULL
);
INSERT INTO trigger_subscription VALUES ('sub:bbf7c610-3148-4f66-a9db-05ece0e6c86a:time:cron:1795535815356:uovrxfpd', 'bbf7c610-3148-4f66-a9db-05ece0e6c86a', 'runner-1', 'time:cron', '{"subscriptionId":"sub:bbf7c610-3148-4f66-a9db-05ece0e6c86a:time:cron:1795535815356:uovrxfpd","triggerType":"time:cron","runnerId":"runner-1","params":{"cron":"0 9 * * 1"},"filters":[{"field":"branch","value":"main","op":"contains"},{"field":"n","value":[1,2],"op":"eq"}],"filterMode":"or"}', '2026-11-24T15:56:55.357Z');

CREATE TABLE attachment (
    attachmentId TEXT PRIMARY KEY, sessionId TEXT NOT NULL, ownerUserId TEXT NOT NULL,
    uploaderUserId TEXT NOT NULL, filename TEXT NOT NULL, mimeType TEXT NOT NULL, size INTEGER NOT NULL,
    createdAt TEXT NOT NULL, expiresAt TEXT NOT NULL, filePath TEXT NOT NULL
);
INSERT INTO attachment VALUES ('c1795093-5db3-4275-9680-c4d6ce5ffc9a', 'bbf7c610-3148-4f66-a9db-05ece0e6c86a', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'n%C3%B6te.txt', 'text/plain', 17, '2026-11-24T15:56:55.331Z', '2999-11-24T16:11:55.331Z', '/srv/pizzapi/attachments/c1795093-5db3-4275-9680-c4d6ce5ffc9a-n_C3_B6te.txt');

CREATE TABLE extracted_attachment (
    attachmentId TEXT PRIMARY KEY, sessionId TEXT NOT NULL, ownerUserId TEXT NOT NULL, filename TEXT NOT NULL,
    mimeType TEXT NOT NULL, size INTEGER NOT NULL, createdAt TEXT NOT NULL, expiresAt TEXT NOT NULL,
    filePath TEXT NOT NULL
);
INSERT INTO extracted_attachment VALUES ('37ddfb19dcea2a62c8708a57', 'bbf7c610-3148-4f66-a9db-05ece0e6c86a', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'extracted-37ddfb19dcea2a62c8708a57.png', 'image/png', 12000, '2026-11-24T15:56:54.332Z', '2999-11-25T15:56:54.332Z', '/srv/pizzapi/attachments/extracted-37ddfb19dcea2a62c8708a57.png');

CREATE TABLE extracted_attachment_session (
    attachmentId TEXT NOT NULL, sessionId TEXT NOT NULL
);
INSERT INTO extracted_attachment_session VALUES ('37ddfb19dcea2a62c8708a57', 'bbf7c610-3148-4f66-a9db-05ece0e6c86a');

CREATE TABLE webhook (
    id TEXT PRIMARY KEY, userId TEXT NOT NULL, name TEXT NOT NULL, secret TEXT NOT NULL, eventFilter TEXT,
    source TEXT NOT NULL, runnerId TEXT, cwd TEXT, prompt TEXT, modelProvider TEXT, modelId TEXT,
    enabled INTEGER NOT NULL DEFAULT 1, createdAt TEXT NOT NULL, updatedAt TEXT NOT NULL
);
INSERT INTO webhook VALUES ('51a03efd-41cf-4cda-b393-ac5e2c68e406', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'deploy', 'c599a08f3a4a32b146da8c714ba620d2b94aa0e055740c2355c096c21370c843', '["build"]', 'ci', NULL, NULL, NULL, NULL, NULL, 1, '2026-11-24T15:56:53.596Z', '2026-11-24T15:56:53.596Z');
INSERT INTO webhook VALUES ('732e106f-011e-4215-8d36-4c301f375410', 'u0FHe6mhmmeBUl9RKQOtzNWwb5wUHSm3', 'on runner', '35da9f0bf47897ebc9ae0e9cbd8ee5919053ef66e8f7a31da3f9ef77735cf38d', NULL, 'ci2', 'runner-1', '/home/jo/project', 'look', 'anthropic', 'claude-sonnet-4', 1, '2026-11-24T15:56:54.152Z', '2026-11-24T15:56:54.152Z');

CREATE TABLE setup_claim (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, relayUrl TEXT NOT NULL, apiKey TEXT, userId TEXT, userName TEXT,
    createdAt TEXT NOT NULL, expiresAt TEXT NOT NULL, approvedAt TEXT, redeemedAt TEXT, label TEXT
);

CREATE TABLE mobile_link (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, relayUrl TEXT NOT NULL, userId TEXT NOT NULL, userName TEXT,
    verificationToken TEXT, deviceName TEXT, scannedUrl TEXT, createdAt TEXT NOT NULL, expiresAt TEXT NOT NULL,
    scannedAt TEXT, approvedAt TEXT, apiKey TEXT
);

CREATE TABLE native_push_registration (
    id TEXT PRIMARY KEY, userId TEXT NOT NULL, platform TEXT NOT NULL, topic TEXT NOT NULL, ntfyUser TEXT,
    ntfyPass TEXT, createdAt TEXT NOT NULL, suppressChildNotifications INTEGER NOT NULL DEFAULT 1
);
