"""Makes events of files, sockets, denials and logins."""

from __future__ import annotations

from random import Random

from laurel_mp.loadtest.flood import programs, record_text
from laurel_mp.loadtest.flood.draws import Draws
from laurel_mp.loadtest.flood.flood_options import Options
from laurel_mp.loadtest.flood.frame import Frame
from laurel_mp.loadtest.flood.logins import Logins
from laurel_mp.loadtest.flood.process import Process
from laurel_mp.loadtest.flood.programs import Address, File, FileCall

_URING_OPENAT = 18

_SELINUX = (
    'avc:  denied  {{ read write }} for  pid={pid} comm={comm} name={name} dev="dm-0" ino={inode}'
    " scontext=system_u:system_r:httpd_t:s0 tcontext=unconfined_u:object_r:user_home_t:s0"
    " tclass=file permissive=0"
)
_APPARMOR = (
    'apparmor="DENIED" operation="open" class="file" profile="/usr/sbin/tool" name={name} pid={pid}'
    ' comm={comm} requested_mask="r" denied_mask="r" fsuid={uid} ouid=0'
)


class Acts(Frame):
    """Makes events that neither start, change nor end processes."""

    def __init__(self, options: Options, random: Random) -> None:
        super().__init__(options, random)
        self._logins = Logins(self.population, random)
        self._addresses = Draws(random, programs.ADDRESSES, programs.ADDRESS_WEIGHTS)
        self._file_calls = Draws(random, programs.FILE_CALLS, programs.FILE_CALL_WEIGHTS)
        self._open_calls = Draws(random, programs.OPEN_CALLS, programs.OPEN_CALL_WEIGHTS)

    # --- sockets

    def _socket(self) -> str:
        process = self.population.any()
        is_new = self._is_new()
        process.show(self.id, ())
        address = f"{process.libraries}{self._suffix(is_new=is_new)}"
        call = f"syscall=41 success=yes exit=3 a0=1 a1=80801 a2=0 a3={address} items=0"
        return self._syscall(process, "socket", call, '"net"') + self._close(process, is_new=is_new)

    def _connect(self) -> str:
        process = self.population.any()
        is_new = self._is_new()
        process.show(self.id, ())
        address = self._new_address() if is_new else self._addresses.next()
        saddr, shown, length, path, success = address
        outcome = "success=yes exit=0" if success else f"success=no exit={-2 if path else -111}"
        call = f"syscall=42 {outcome} a0=3 a1={process.stack}{self._bits(20):05x}"
        call = f"{call} a2={length} a3={process.libraries}7ed80 items={1 if path else 0}"
        if path:  # the kernel copies the whole structure, with what was on the stack
            saddr = f"{saddr}{self._bits(64):016X}7F000000{self._bits(160):040X}"
        if self._own:
            saddr = f"{saddr}\x1dSADDR={{ {shown} }}"
        found = self._syscall(process, "connect", call, '"net"')
        found += f"{self._node}type=SOCKADDR{self._m}saddr={saddr}\n"
        if path:
            found += self._where(process, is_new=is_new)
            found += self._paths(f'name="{path}" {self._style.unknown}')
        return found + self._close(process, is_new=is_new)

    def _new_address(self) -> Address:
        number = self._number()
        if number & 1:
            return programs.local(f"/run/rel/{number}.sock", success=False)
        parts = (10, number >> 16 & 255, number >> 8 & 255, number & 255)
        return programs.inet(parts, 1024 + number % 60_000, success=True)

    # --- files

    def _file(self) -> str:
        return self._file_call(self._file_calls.next())

    def _open(self) -> str:
        return self._file_call(self._open_calls.next())

    def _file_call(self, called: FileCall) -> str:
        process = self.population.busy()
        is_new = self._is_new()
        process.show(self.id, ())
        paths = self._files(called.paths, self._some_file(is_new=is_new))
        outcome = f"success={'yes' if called.success else 'no'} exit={called.exit}"
        arguments = called.arguments % f"{process.heap}{self._suffix(is_new=is_new)}"
        call = f"syscall={called.number} {outcome} {arguments} items={len(paths)}"
        return (
            self._syscall(process, called.name, call, f'"{called.key}"')
            + self._where(process, is_new=is_new)
            + self._paths(*paths)
            + self._close(process, is_new=is_new)
        )

    def _some_file(self, *, is_new: bool) -> File:
        if not is_new:
            return programs.FILES[int(self._draw() * self._draw() * len(programs.FILES))]
        number = self._number()
        inode = 60_000_000 + 2 * number
        parent = f'name="/srv/new/{number}/" inode={inode} dev=fe:00 mode=040755'
        return File(parent, f'"/srv/new/{number}/out.o"', inode + 1)

    def _files(self, letters: str, file: File) -> list[str]:
        """Returns PATH records of a file and its directory; `letters` are those of FileCall."""
        style = self._style
        paths = []
        inode = file.inode
        for letter in letters:
            if letter == "P":
                paths.append(f"{file.parent}{style.directory}")
            elif letter == "N":
                paths.append(f"name={file.name} inode={inode} {style.normal}")
            elif letter == "D":
                paths.append(f"name={file.name} inode={inode} {style.deleted}")
            elif letter == "C":
                paths.append(f"name={file.name} inode={inode} {style.created}")
            else:
                paths.append(f"name=(null) inode={inode} {style.normal}")
        return paths

    # --- denials, io_uring, the audit system itself

    def _avc(self) -> str:
        process = self.population.any()
        is_new = self._is_new()
        process.show(self.id, ())
        file = self._some_file(is_new=is_new)
        form = _SELINUX if self._bits(1) else _APPARMOR
        denial = form.format(
            pid=process.pid,
            comm=record_text.encoded(process.comm),
            name=file.name,
            inode=file.inode,
            uid=process.uid,
        )
        if self._own and form is _APPARMOR:
            denial = f'{denial}\x1dFSUID={record_text.user(process.uid)} OUID="root"'
        address = f"{process.heap}{self._suffix(is_new=is_new)}"
        call = f"syscall=257 success=no exit=-13 a0=ffffff9c a1={address} a2=0 a3=0 items=1"
        return (
            f"{self._node}type=AVC{self._m}{denial}\n"
            + self._syscall(process, "openat", call, "(null)")
            + self._where(process, is_new=is_new)
            + self._paths(*self._files("N", file))
            + self._close(process, is_new=is_new)
        )

    def _uring(self) -> str:
        process = self.population.any()
        is_new = self._is_new()
        file = self._some_file(is_new=is_new)
        uid = process.uid
        exit_ = self._number() if is_new else 0
        names = ""
        if self._own:
            name = record_text.user(uid)
            names = f"\x1dURING_OP=openat UID={name} GID={name} EUID={name} SUID={name}"
            names = f"{names} FSUID={name} EGID={name} SGID={name} FSGID={name}"
        return (
            f"{self._node}type=URINGOP{self._m}uring_op={_URING_OPENAT} success=yes"
            f" exit={exit_} items=2 ppid={process.ppid} pid={process.pid} uid={uid} gid={uid}"
            f" euid={uid} suid={uid} fsuid={uid} egid={uid} sgid={uid} fsgid={uid}"
            f' key="uring"{names}\n'
            + self._where(process, is_new=is_new)
            + self._paths(*self._files("PC", file))
            + self._end
        )

    def _config(self) -> str:
        process = self.population.any()
        is_new = self._is_new()
        process.show(self.id, ())
        rule = f"rule-{self._number()}" if is_new else "software_mgmt"
        change = f'auid={process.auid} ses={process.ses} op=add_rule key="{rule}" list=4 res=1'
        port = self._number() if is_new else 0
        saddr = f"10000000{port.to_bytes(4, 'little').hex().upper()}00000000"
        if self._own:
            change = f"{change}\x1dAUID={record_text.user(process.auid)}"
            saddr = f"{saddr}\x1dSADDR={{ saddr_fam=netlink nlnk-fam=16 nlnk-pid={port} }}"
        address = f"{process.stack}{self._suffix(is_new=is_new)}"
        call = f"syscall=44 success=yes exit=1056 a0=3 a1={address} a2=420 a3=0 items=0"
        return (
            f"{self._node}type=CONFIG_CHANGE{self._m}{change}\n"
            + self._syscall(process, "sendto", call, "(null)")
            + f"{self._node}type=SOCKADDR{self._m}saddr={saddr}\n"
            + self._close(process, is_new=is_new)
        )

    # --- logins

    def _login(self) -> str:
        is_new = self._is_new()
        number = self._number() if is_new else 0
        kind, process, body, id_ = self._logins.next(number)
        if kind == "LOGIN":
            return self._login_record(process, body, id_ or 0, is_new=is_new)
        names = ""
        if self._own:
            names = f"\x1dUID={record_text.user(process.uid)} AUID={record_text.user(process.auid)}"
            names += f" ID={record_text.user(id_)}" if id_ is not None else ""
        return (
            f"{self._node}type={kind}{self._m}pid={process.pid} uid={process.uid}"
            f" auid={process.auid} ses={process.ses} msg='{body}'{names}\n"
        )

    def _login_record(self, process: Process, body: str, before: int, *, is_new: bool) -> str:
        """Makes a LOGIN event: a write to /proc/self/loginuid."""
        process.show(self.id, ())
        names = ""
        if self._own:
            old = record_text.user(before)
            names = f"\x1dUID={record_text.user(process.uid)} OLD-AUID={old}"
            names += f" AUID={record_text.user(process.auid)}"
        address = f"{process.stack}{self._suffix(is_new=is_new)}"
        call = f"syscall=1 success=yes exit=4 a0=3 a1={address} a2=4 a3=0 items=0"
        return (
            f"{self._node}type=LOGIN{self._m}{body}{names}\n"
            + self._syscall(process, "write", call, "(null)")
            + self._close(process, is_new=is_new)
        )
