"""Runs one command that dies with its parent, and gives up root first when asked to.

Called by path, without the project on sys.path: ``python launch.py PARENT_PID SIGNAL UID:GID|- COMMAND…``.
It replaces itself by the command, so the pid stays. A program of its own and not a ``preexec_fn``,
because that is unsafe in a process with threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def main(parent: str, death_signal: str, owner: str, *command: str) -> None:
    """Become `command`; exit 1 when the parent is gone already."""
    if owner != "-":
        uid, gid = map(int, owner.split(":"))
        become(uid, gid)
    # After the change of user, which clears it.
    prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != int(parent):
        sys.exit("launch: the parent has ended")
    os.execvp(command[0], command)


def become(uid: int, gid: int) -> None:
    """Turn root into an ordinary user that still reaches what lies under root's own folders.

    PostgreSQL refuses to run as root, and a checkout under a 0700 home is closed to any other user.
    Instead of opening folders or moving the data, the one capability that looks past file modes is
    kept as an ambient one (capabilities(7)): it survives the exec. Where root itself lacks it, for
    instance in a container that dropped it, the command runs without.
    """
    # Keeps the capabilities over setresuid, and lets access(2) honour them later.
    prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if keep_capability(CAP_DAC_OVERRIDE):
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def keep_capability(number: int) -> bool:
    """Reduce the effective, permitted and inheritable sets to one capability; False when it is not held."""
    if sys.platform != "linux":
        return False
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(*[1 << number] * 3)
    return ctypes.CDLL(None).capset(header, sets) == 0  # type: ignore[no-any-return]


def prctl(*arguments: int) -> None:
    """prctl(2) where there is one; its refusal only costs the comfort that was asked for."""
    if sys.platform == "linux":
        padded = [*arguments, 0, 0, 0, 0][:5]
        ctypes.CDLL(None).prctl(*map(ctypes.c_ulong, padded))


if __name__ == "__main__":
    main(*sys.argv[1:])
