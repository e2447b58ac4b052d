-- Pairing (rest-account.md 5, 6). Rows hold no token and no key in the clear: `digest` is the SHA-256 of the token that
-- the client holds, and the key follows from that token and the relay's secret.
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
CREATE INDEX setup_claim_expiry ON setup_claim (expires_at);
CREATE INDEX setup_claim_key ON setup_claim (key_id) WHERE key_id IS NOT NULL;

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
CREATE INDEX mobile_link_expiry ON mobile_link (expires_at);
CREATE INDEX mobile_link_key ON mobile_link (key_id) WHERE key_id IS NOT NULL;
