"""Write service files that let the system start the relay: systemd and launchd."""
