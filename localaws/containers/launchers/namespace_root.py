"""A root folder of a job's own, out of Linux namespaces: no tool, no daemon, a few milliseconds.

Used by `supervisor.py` (standard library only). The plan's `namespace` member:
    layers        folders of the image's layers, highest first
    mounts        {path in the job: folder of this machine}, writable
    interpreter   the folder of this machine's Python, visible read-only at its own path
    workspace     an empty folder that the new root is built on
    network       whether the job shares this machine's network; else it has a loopback interface of its own alone
    hostname      the job's host name, which resolves to 127.0.0.1

The job sees its image, and of this machine the operating system's folders (read-only) and the interpreter: no home, no
checkout, no build folder. What it writes outside of its mounts is in memory and gone when it ends.
https://man7.org/linux/man-pages/man7/namespaces.7.html, https://docs.kernel.org/filesystems/overlayfs.html
"""

# ruff: noqa: PTH101, PTH102, PTH103, PTH106, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208, PTH211
# (every job waits for this program, and pathlib alone would double the time that it takes to start)
from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from typing import Any

_CLONE = {"mount": 0x00020000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000, "pid": 0x20000000,
          "network": 0x40000000}  # fmt: skip
_MS_BIND, _MS_MOVE, _MS_REC, _MS_PRIVATE, _MS_NOSUID, _MS_NODEV = 4096, 8192, 16384, 1 << 18, 2, 4
_MNT_DETACH = 2
_MOUNT_SETATTR, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, 0x8000, 1
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
SYSTEM_FOLDERS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "nix")

_libc = ctypes.CDLL(None, use_errno=True)


def leave_host(plan: dict[str, Any]) -> None:
    """Enter new namespaces; processes started from now on live in them. Root needs no user namespace, others do."""
    wanted = _CLONE["mount"] | _CLONE["uts"] | _CLONE["ipc"] | _CLONE["pid"]
    if not plan["network"]:
        wanted |= _CLONE["network"]
    user, group = os.geteuid(), os.getegid()
    if user != 0:
        wanted |= _CLONE["user"]
    _checked(_libc.unshare(wanted), "unshare")
    if user != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1")
        _write("/proc/self/gid_map", f"0 {group} 1")


def enter(plan: dict[str, Any]) -> None:
    """Build the new root and move into it."""
    socket.sethostname(plan["hostname"])
    if not plan["network"]:
        _loopback_up()
    _mount("none", "/", flags=_MS_REC | _MS_PRIVATE)
    root = plan["workspace"]
    _mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755")
    _image_and_system(root, plan["layers"])
    for name in ("tmp", "run", "root", "home", "var/tmp", "proc", "sys", "dev"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    os.chmod(f"{root}/tmp", 0o1777)  # noqa: S103, S108  (the job's own)
    os.chmod(f"{root}/var/tmp", 0o1777)  # noqa: S103, S108
    _devices(root)
    if plan["interpreter"].split("/")[1] != "usr":
        _bind(plan["interpreter"], root + plan["interpreter"], read_only=True)
    _names(root, plan["hostname"])
    for path, folder in plan["mounts"].items():
        _bind(folder, root + path)
    os.chdir(root)
    _mount(root, "/", flags=_MS_MOVE)
    os.chroot(".")
    os.chdir("/")


def _image_and_system(root: str, layers: list[str]) -> None:
    """Put the image's folders into the root, over the operating system's where both have one."""
    work = f"{root}/.overlay"
    os.mkdir(work)
    _mount("tmpfs", work, "tmpfs", 0, "mode=755")
    for number, layer in enumerate(layers):
        _bind(layer, f"{work}/{number}")
    tops = {name for layer in layers for name in os.listdir(layer)}
    os.chdir(work)  # paths relative to it keep the mount's options short, whatever the folders are called
    for name in sorted(tops | {name for name in SYSTEM_FOLDERS if os.path.lexists(f"/{name}")}):
        system = f"/{name}" if name in SYSTEM_FOLDERS and os.path.isdir(f"/{name}") else ""
        if name not in tops:
            _system_folder(root, name)
            continue
        lower = [f"{number}/{name}" for number in range(len(layers)) if os.path.isdir(f"{number}/{name}")]
        if not lower:
            _top_level_file(root, name, len(layers))
            continue
        os.makedirs(f"upper/{name}")
        os.makedirs(f"work/{name}")
        os.mkdir(f"{root}/{name}")
        below = ":".join([*lower, system] if system else lower)
        _mount("overlay", f"{root}/{name}", "overlay", 0, f"lowerdir={below},upperdir=upper/{name},workdir=work/{name}")
    os.chdir("/")
    _checked(_libc.umount2(work.encode(), _MNT_DETACH), f"umount {work}")
    os.rmdir(work)


def _system_folder(root: str, name: str) -> None:
    if os.path.islink(f"/{name}"):
        os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
    else:
        _bind(f"/{name}", f"{root}/{name}", read_only=True)


def _top_level_file(root: str, name: str, layers: int) -> None:
    source = next(f"{number}/{name}" for number in range(layers) if os.path.lexists(f"{number}/{name}"))
    if os.path.islink(source):
        os.symlink(os.readlink(source), f"{root}/{name}")
        return
    with open(source, "rb") as file, open(f"{root}/{name}", "wb") as target:
        target.write(file.read())
    os.chmod(f"{root}/{name}", os.stat(source).st_mode & 0o777)


def _devices(root: str) -> None:
    _bind("/dev", f"{root}/dev")
    if os.path.isdir(f"{root}/dev/shm"):  # noqa: S108  (a mount point, not a file of ours)
        _mount("tmpfs", f"{root}/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")  # noqa: S108
    _bind("/sys", f"{root}/sys", read_only=True)
    try:
        _mount("proc", f"{root}/proc", "proc", _MS_NOSUID | _MS_NODEV)
    except PermissionError:  # inside of a container, where parts of /proc are hidden
        _bind("/proc", f"{root}/proc")


def _names(root: str, hostname: str) -> None:
    """Give the job a host file of its own, and the resolver's file if it lies outside of /etc."""
    with open(f"{root}/run/hosts", "w", encoding="utf-8") as file:
        file.write(f"127.0.0.1 localhost {hostname}\n::1 localhost\n")
    if os.path.exists(f"{root}/etc/hosts"):
        _bind(f"{root}/run/hosts", f"{root}/etc/hosts")
    resolver = os.path.realpath("/etc/resolv.conf")
    if resolver.startswith("/run/") and os.path.exists(resolver):
        _bind(os.path.dirname(resolver), root + os.path.dirname(resolver), read_only=True)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _bind(source: str, target: str, *, read_only: bool = False) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    _mount(source, target, flags=_MS_BIND | _MS_REC)
    if read_only:
        attributes = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
        call = (_MOUNT_SETATTR, -100, target.encode(), _AT_RECURSIVE, attributes, len(attributes))
        _checked(_libc.syscall(*call), f"mount_setattr {target}")


def _mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    result = _libc.mount(source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags),
                         options.encode() or None)  # fmt: skip
    _checked(result, f"mount {kind or source} at {target}")


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        kind = PermissionError if number in (errno.EPERM, errno.EACCES) else OSError
        raise kind(number, f"{what}: {os.strerror(number)}")


def _write(path: str, content: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(content)
