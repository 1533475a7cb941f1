"""Parts of records that depend only on auditd's configuration."""

from __future__ import annotations

from laurel_mp.loadtest.flood.flood_options import Options

FCAPS = (
    "fver=0 fp=0 fi=0 fe=0 old_pp=000001fffeffffff old_pi=0 old_pe=000001fffeffffff old_pa=0"
    " pp=000001fffeffffff pi=0 pe=000001fffeffffff pa=0 frootid=0"
)

_NO_CAPABILITIES = "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"


class Style:
    """Parts of lines that are the same in all records of a flood."""

    def __init__(self, options: Options) -> None:
        self.enriched = options.enriched
        self.node = f"node={options.node} " if options.node else ""
        separator = "\x1d" if options.enriched else ""
        self.own = f"{separator}ARCH=x86_64 SYSCALL=" if options.enriched else ""
        """Before the name of the system call."""
        self.owners = f'{separator}OUID="root" OGID="root"' if options.enriched else ""
        file = f"mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=%s {_NO_CAPABILITIES}{self.owners}"
        self.program = f"dev=fe:00 {(file % 'NORMAL').replace('0100644', '0100755')}"
        """Part of the PATH record of an executable after its inode."""
        self.normal = f"dev=fe:00 {file % 'NORMAL'}"
        self.created = f"dev=fe:00 {file % 'CREATE'}"
        self.deleted = f"dev=fe:00 {file % 'DELETE'}"
        self.directory = (
            f" ouid=0 ogid=0 rdev=00:00 nametype=PARENT {_NO_CAPABILITIES}{self.owners}"
        )
        self.unknown = f"nametype=UNKNOWN {_NO_CAPABILITIES}"
        """Part of the PATH record of a missing file after its name."""
        # Where auditd makes the line itself it cuts the kernel's last blank off; with a node name
        # in front there is one again [run 3.0.9].
        blank = "" if options.enriched and not options.node else " "
        self.end = f"{self.node}type=EOE msg=audit(%s):{blank}\n" if options.eoe else ""
        """The EOE record; empty if the stream has none."""
