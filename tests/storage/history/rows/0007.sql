INSERT INTO tunnel_label VALUES ('abcdefghijklmnop', 'user-jo', 'runner:runner-1', 8080, 32472144000, 1767225600);
