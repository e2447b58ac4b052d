"""Load a relay with runners, agents, viewers and hub clients made of raw frames: `python -m tests.bench --help`."""
