"""Keep the machines: live runners, requests to them, their catalogues, and the feed that shows them to browsers."""
