"""Forbid this process, for good, the system calls that a submission has no use for.

The kernel's seccomp filter does it. So not even a bug in what lies behind these calls is in reach: other
processes, programs, networks, namespaces, and memory that no limit counts.
"""

import ctypes
import errno
import platform
import struct

FORBIDDEN = {
    "x86_64": {
        "clone": 56,
        "clone3": 435,
        "fork": 57,
        "vfork": 58,
        "execve": 59,
        "execveat": 322,
        "socket": 41,
        "shmget": 29,
        "shmat": 30,
        "semget": 64,
        "msgget": 68,
        "mq_open": 240,
        "memfd_create": 319,
        "memfd_secret": 447,
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "pidfd_open": 434,
        "pidfd_getfd": 438,
        "kcmp": 312,
        "perf_event_open": 298,
        "keyctl": 250,
        "add_key": 248,
        "request_key": 249,
        "unshare": 272,
        "setns": 308,
        "mount": 165,
        "umount2": 166,
        "pivot_root": 155,
        "chroot": 161,
        "move_mount": 429,
        "fsopen": 430,
        "fsconfig": 431,
        "fsmount": 432,
        "fspick": 433,
        "open_tree": 428,
        "mount_setattr": 442,
        "open_by_handle_at": 304,
        "quotactl": 179,
        "bpf": 321,
        "userfaultfd": 323,
        "io_uring_setup": 425,
        "io_uring_enter": 426,
        "io_uring_register": 427,
        "fanotify_init": 300,
        "inotify_init": 253,
        "inotify_init1": 294,
    },
    "aarch64": {
        "clone": 220,
        "clone3": 435,
        "execve": 221,
        "execveat": 281,
        "socket": 198,
        "shmget": 194,
        "shmat": 196,
        "semget": 190,
        "msgget": 186,
        "mq_open": 180,
        "memfd_create": 279,
        "memfd_secret": 447,
        "ptrace": 117,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "pidfd_open": 434,
        "pidfd_getfd": 438,
        "kcmp": 272,
        "perf_event_open": 241,
        "keyctl": 219,
        "add_key": 217,
        "request_key": 218,
        "unshare": 97,
        "setns": 268,
        "mount": 40,
        "umount2": 39,
        "pivot_root": 41,
        "chroot": 51,
        "move_mount": 429,
        "fsopen": 430,
        "fsconfig": 431,
        "fsmount": 432,
        "fspick": 433,
        "open_tree": 428,
        "mount_setattr": 442,
        "open_by_handle_at": 265,
        "quotactl": 60,
        "bpf": 280,
        "userfaultfd": 282,
        "io_uring_setup": 425,
        "io_uring_enter": 426,
        "io_uring_register": 427,
        "fanotify_init": 262,
        "inotify_init1": 26,
    },
}
"""Numbers of the calls, by machine; from Linux's ``unistd.h``."""

AUDIT_NUMBERS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
FIRST_X32_CALL = 0x4000_0000
"""From here on, x86-64 has the same calls a second time."""

LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_OFFSET, MACHINE_OFFSET = 0, 4
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
SET_NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER_MODE = 38, 22, 2


class FilterProgram(ctypes.Structure):
    """Linux's ``struct sock_fprog``."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def filter_program(machine: str) -> bytes:
    """Instructions that refuse the forbidden calls, and end a process that calls in another machine's way."""
    numbers = sorted(FORBIDDEN[machine].values())
    steps = [(LOAD, 0, 0, MACHINE_OFFSET)]
    steps += [(JUMP_IF_EQUAL, 1, 0, AUDIT_NUMBERS[machine]), (RETURN, 0, 0, KILL)]
    steps += [(LOAD, 0, 0, NUMBER_OFFSET)]
    tests = [(JUMP_IF_EQUAL, number) for number in numbers]
    if machine == "x86_64":
        tests.append((JUMP_IF_AT_LEAST, FIRST_X32_CALL))
    steps += [
        (test, len(tests) - place, 0, number)
        for place, (test, number) in enumerate(tests)
    ]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def forbid_system_calls() -> None:
    """Refuse the forbidden calls from now on.

    Raises
    ------
    OSError
        If this machine or its kernel has no such filter.
    """
    machine = platform.machine()
    if machine not in FORBIDDEN:
        raise OSError(errno.ENOSYS, f"no list of system calls for {machine}")
    instructions = filter_program(machine)
    program = FilterProgram(len(instructions) // 8, instructions)
    call = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in (
        (SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (SET_SECCOMP, FILTER_MODE, ctypes.byref(program), 0, 0),
    ):
        if call(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "no filter of system calls")
