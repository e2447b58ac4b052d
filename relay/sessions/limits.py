"""Name the bounds and times of the sessions room; tests shorten the times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Hold the times (seconds) and bounds of live and stored sessions."""

    #: Ends a live session that nobody hears from (sockets-agents.md 2.10, PIZZAPI_EPHEMERAL_TTL_MS).
    silent_timeout: float = 600.0
    #: Deletes ended sessions, `history.retention` (../design.md, State and durability).
    retention: float = 30 * 86_400.0
    #: Looks for expired and orphaned sessions this often (PIZZAPI_EPHEMERAL_SWEEP_MS).
    sweep_every: float = 60.0
    #: Activity is noted at most this often per session (sockets-agents.md 2.10).
    touch_every: float = 2.0
    #: Ends awaited sessions whose agent did not return (sockets-agents.md 4.4).
    awaited_for: float = 120.0
    #: A chunk stream that pauses longer no longer holds viewers up; under the UI's last retry (2.6.2).
    chunks_stale_after: float = 10.0
    #: How long a recovery nonce is remembered (2.6.1).
    nonce_life: float = 60.0
    #: Input queued for one session before its agent's socket is no longer read (../design.md, How data flows).
    queue_bytes: int = 16 * 2**20
    #: Event cache (sockets-agents.md 2.8; the bytes are ours).
    cache_entries: int = 1000
    cache_bytes: int = 8 * 2**20
    #: Write-behind of small rows (../design.md, State and durability).
    rows_behind: float = 0.25
    #: Write-behind of snapshots below `large_state`; larger ones after `agent_end` and otherwise this rarely.
    states_behind: float = 1.0
    large_state: int = 256 * 1024
    large_state_every: float = 30.0
    #: Children membership and unconfirmed delinks (2.11).
    link_life: float = 86_400.0
    #: Delink markers (2.11).
    marker_life: float = 30 * 86_400.0
    #: `parent_delinked` must be confirmed within this time (2.11).
    delink_ack: float = 1.0
    #: An agent's answer to `input` (2.14): silence counts as delivered.
    input_ack: float = 9.5
    #: A browser that comes back from an MCP login waits this long for an agent that is away (rest-account.md 10.1).
    agent_wait: float = 10.0
    #: An agent's acknowledgement of `session_trigger` (2.13).
    trigger_ack: float = 2.0
    #: Pending runner links (3.5), latched spawn results (3.5).
    pending_link_life: float = 600.0
    latch_life: float = 30.0
    #: The spawn route waits this long for `session_ready` (rest-runners.md 5.2).
    spawn_ack: float = 5.0
    #: A session just spawned is waited for this long (2.12; rest-runners.md 8.2).
    just_spawned: float = 10.0
    #: `cleanup_child_session` waits for the child's end (2.11).
    cleanup_wait: float = 5.0
    #: A forced end after `disconnect_session` (3.9).
    disconnect_grace: float = 3.0
    #: After a worker's transport closed its runner is asked whether it still runs it (2.10), and may take this long.
    ask_runner_after: float = 1.5
    ask_runner_wait: float = 2.0
