"""confined.py ROOT USER PROGRAM [WORD...]: runs PROGRAM as a locked container would, by root: ROOT is its file system and
read-only, with /proc; USER is a number that nobody knows; it has no capability and can gain none.

It goes on with this process, so that whoever started it waits for PROGRAM. No other tool does the last steps inside ROOT,
where no tool is."""
import ctypes
import os
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 23, 24, 38
SIGKILL = 9


def must(result, what):
    if result != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind, flags):
    words = [word and word.encode() for word in (source, target, kind)]
    must(LIBC.mount(*words, ctypes.c_ulong(flags), None), f"mount {target}")


root, user, program = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
os.makedirs(f"{root}/proc", exist_ok=True)
must(LIBC.unshare(CLONE_NEWNS), "unshare")
mount(None, "/", None, MS_REC | MS_PRIVATE)
mount(root, root, None, MS_BIND)
mount("proc", f"{root}/proc", "proc", 0)
mount(None, root, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
os.chroot(root)
os.chdir("/")
capability = 0
while LIBC.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
    must(LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), f"capability {capability}")
    capability += 1
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
must(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
# A change of the user forgets it.
must(LIBC.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "pdeathsig")
os.execv(program[0], program)
