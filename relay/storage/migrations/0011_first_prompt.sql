-- What a session was first asked, for its name and for finding it; NULL until its agent shows it.
ALTER TABLE relay_session ADD COLUMN first_prompt TEXT;
