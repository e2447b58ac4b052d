-- What an API key may do; keys from before are full ones.
ALTER TABLE apikey ADD COLUMN scope TEXT NOT NULL DEFAULT 'full' CHECK (scope IN ('full', 'runner', 'read', 'webhooks'));
