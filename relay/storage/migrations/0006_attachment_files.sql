-- Files to delete because their row is gone, by whatever way: a sweep, a session, an account with all that is its own.
CREATE TABLE attachment_file_gone (
    disk_name TEXT PRIMARY KEY
) STRICT;

CREATE TRIGGER attachment_deleted AFTER DELETE ON attachment
BEGIN
    INSERT OR IGNORE INTO attachment_file_gone (disk_name) VALUES (OLD.disk_name);
END;
CREATE INDEX attachment_file ON attachment (disk_name);
