"""Makes the records of logins, most of which programs send by themselves."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from laurel_mp.loadtest.flood.population import Population
from laurel_mp.loadtest.flood.process import Process

_GRANTORS = "grantors=pam_selinux,pam_loginuid,pam_keyinit,pam_permit,pam_unix"

# In the order of a session of OpenSSH.
_STEPS = (
    ("USER_AUTH", "op=PAM:authentication grantors=pam_permit,pam_cap acct={acct}{ssh}"),
    ("USER_ACCT", "op=PAM:accounting grantors=pam_permit acct={acct}{ssh}"),
    ("CRED_ACQ", "op=PAM:setcred grantors=pam_permit,pam_cap acct={acct}{ssh}"),
    ("LOGIN", ""),
    ("USER_START", f"op=PAM:session_open {_GRANTORS} acct={{acct}}{{ssh}}"),
    ("USER_LOGIN", "op=login id={id}{pts}"),
    ("USER_END", f"op=PAM:session_close {_GRANTORS} acct={{acct}}{{ssh}}"),
    ("CRED_DISP", "op=PAM:setcred grantors=pam_permit,pam_cap acct={acct}{ssh}"),
    ("USER_LOGOUT", "op=login id={id}{pts}"),
)
_FAILED = "op=PAM:authentication grantors=? acct={acct}{ssh}"

_USERS = ((1000, "alice"), (1001, "bob"))


class Message(NamedTuple):
    """A record of a program, or the kernel's LOGIN."""

    kind: str
    process: Process
    body: str
    id: int | None
    """Uid in the body, which auditd translates; for LOGIN, the one before."""


class Logins:
    """Makes one session after another, record by record."""

    def __init__(self, population: Population, random: Random) -> None:
        self._population = population
        self._random = random
        self._step = 0
        self._session = 0

    def next(self, number: int) -> Message:
        """Returns the next record; with a number other than 0, of a new user."""
        process = self._population.session(self._session)
        kind, form = _STEPS[self._step]
        uid, name = _USERS[self._session % len(_USERS)]
        if kind == "LOGIN" and (process.is_busy or process.is_blocked):
            return Message("USER_AUTH", process, self._body(_FAILED, number, uid, "root"), None)
        self._step += 1
        if self._step == len(_STEPS):
            self._step = 0
            self._session += 1
        if kind == "LOGIN":
            before = process.auid
            return Message(kind, process, self._log_in(process, uid), before)
        body = self._body(form, number, uid, name)
        return Message(kind, process, body, uid if "{id}" in form else None)

    def _log_in(self, process: Process, uid: int) -> str:
        ses = self._session + 1
        before = process.auid, process.ses
        self._population.change(process, uid, ses)
        return (
            f"pid={process.pid} uid={process.uid} old-auid={before[0]} auid={uid} tty=(none)"
            f" old-ses={before[1]} ses={ses} res=1"
        )

    def _body(self, form: str, number: int, uid: int, name: str) -> str:
        host = "10.0.0.7"
        if number:
            host = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        tail = f' exe="/usr/sbin/sshd" hostname={host} addr={host} terminal='
        result = "failed" if form is _FAILED else "success"
        return form.format(
            acct=f'"user-{number}"' if number else f'"{name}"',
            id=uid,
            ssh=f"{tail}ssh res={result}",
            pts=f"{tail}/dev/pts/{1 + self._random.getrandbits(4)} res={result}",
        )
