"""Checks of the user database."""

from __future__ import annotations

from collections.abc import Iterator

from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, problem, warning
from laurel_mp.doctor.host import UnknownError

SLOW = 0.1
"""Seconds. A look-up in files takes a few milliseconds, with the start of getent(1)."""


def _speed(facts: Facts) -> Iterator[Result]:
    """Looks up unknown ids: no cache has them, so each directory service is asked."""
    for kind, what in (("passwd", "user"), ("group", "group")):
        done = facts.host.answer("getent", kind, str(facts.host.unused_id))
        if done.status is not None and done.seconds <= SLOW:
            continue
        took = f"took {done.seconds:.1f} s" if done.status is not None else f"had {done.complaint}"
        seen = f"looking up an unknown {what} {took}"
        if _auditd_asks(facts):
            yield problem(
                "/etc/nsswitch.conf",
                f"{seen}, and auditd has log_format = ENRICHED",
                "auditd blocks on each look-up of a new user or group; meanwhile the kernel's "
                "backlog "
                "fills.",
                "in auditd.conf: log_format = RAW; laurel-mp adds names without waiting "
                "([translate] user-db)",
                "or a local cache: sssd with cache_credentials and entry_negative_timeout, or nscd",
            )
        else:
            yield warning(
                "/etc/nsswitch.conf",
                seen,
                "laurel-mp does not wait for look-ups: events of users that are not cached yet "
                "have no "
                "names and groups.",
                "a local cache: sssd with entry_negative_timeout, or nscd",
            )


def _auditd_asks(facts: Facts) -> bool:
    try:
        return facts.auditd_conf.get("log_format") == "enriched"
    except UnknownError:
        return False


CHECKS = (Check("names-speed", f"looking up a user or group takes {SLOW:g} s at most", _speed),)
