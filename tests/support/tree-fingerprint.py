#!/usr/bin/env python3
"""tree-fingerprint.py FOLDER: what must survive when a filesystem gets another size.

A line for each name: which name of its inode is the first; and of the first: type, mode, owner,
links, size (not of directories), times but for that of the inode's last change, flags, project,
device, target, attributes, and the contents by the ranges that are written, preallocated, or
holes. Numbers of inodes and blocks are no part of it, nor the order of names.
"""
import ctypes
import fcntl
import hashlib
import os
import stat
import struct
import sys

GET_FLAGS, GET_PROJECT, FIEMAP = 0x80086601, 0x801C581F, 0xC020660B
INDEXED = 0x1000  # how a directory is stored, not what is in it
UNWRITTEN = 0x800
LAST = 1

libc = ctypes.CDLL(None, use_errno=True)


def birth(path):
    """When the inode was made; the C library has the call, Python hasn't."""
    answer = ctypes.create_string_buffer(256)
    if libc.statx(-100, os.fsencode(path), 0x100, 0x800, answer):
        return None
    if not struct.unpack_from('=L', answer, 0)[0] & 0x800:
        return None
    return struct.unpack_from('=qL', answer, 80)


def ioctl_word(fd, request, size, at):
    try:
        return struct.unpack_from('=L', fcntl.ioctl(fd, request, b'\0' * size), at)[0]
    except OSError:
        return None


def extents(fd, size):
    """The logical ranges that are mapped, and whether they are unwritten; neighbours are one."""
    ranges, start, room = [], 0, 1000
    while True:
        head = struct.pack('=QQLLLL', start, 2**63 - 1 - start, 0, 0, room, 0)
        answer = bytearray(head + b'\0' * 56 * room)
        try:
            fcntl.ioctl(fd, FIEMAP, answer)
        except OSError:
            return [[0, size, False]]
        flags = 0
        for i in range(struct.unpack_from('=L', answer, 20)[0]):
            logical, _, length = struct.unpack_from('=QQQ', answer, 32 + 56 * i)
            flags = struct.unpack_from('=L', answer, 32 + 56 * i + 40)[0]
            unwritten = bool(flags & UNWRITTEN)
            if ranges and ranges[-1][1] == logical and ranges[-1][2] == unwritten:
                ranges[-1][1] = logical + length
            else:
                ranges.append([logical, logical + length, unwritten])
            start = logical + length
        if flags & LAST or struct.unpack_from('=L', answer, 20)[0] == 0:
            return ranges


def contents(fd, size):
    digest = hashlib.sha256()
    for start, end, unwritten in extents(fd, size):
        digest.update(struct.pack('=QQ?', start, end, unwritten))
        while not unwritten and start < min(end, size):
            piece = os.pread(fd, min(end - start, 1 << 20), start)
            if not piece:
                break
            digest.update(piece)
            start += len(piece)
    return digest.hexdigest()[:32]


def attributes(path):
    found = []
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, name, follow_symlinks=False)
        found.append('%s=%s' % (name, hashlib.sha256(value).hexdigest()[:16]))
    return found


def opened(path, facts):
    """What only an open file tells, of files and directories."""
    words = []
    fd = os.open(path, os.O_RDONLY | os.O_NOATIME)
    try:
        flags = ioctl_word(fd, GET_FLAGS, 8, 0)
        words.append('flags=%x' % ((flags or 0) & ~INDEXED))
        words.append('project=%s' % ioctl_word(fd, GET_PROJECT, 28, 12))
        if stat.S_ISREG(facts.st_mode):
            words.append(contents(fd, facts.st_size))
    finally:
        os.close(fd)
    return words


def describe(path):
    facts = os.lstat(path)
    words = ['%o' % facts.st_mode, '%d:%d' % (facts.st_uid, facts.st_gid), facts.st_nlink,
             facts.st_mtime_ns, facts.st_atime_ns, birth(path)]
    if not stat.S_ISDIR(facts.st_mode):
        words.append(facts.st_size)
    if stat.S_ISLNK(facts.st_mode):
        words.append(os.readlink(path))
    if stat.S_ISBLK(facts.st_mode) or stat.S_ISCHR(facts.st_mode):
        words.append(facts.st_rdev)
    if stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode):
        words += opened(path, facts)
    return ' '.join(str(w) for w in words + attributes(path))


def walk(folder, seen):
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        first = seen.setdefault(entry.inode(), entry.path)
        print(entry.path, describe(entry.path) if first is entry.path else '= ' + first)
        if entry.is_dir(follow_symlinks=False):
            walk(entry.path, seen)


os.chdir(sys.argv[1])
print('.', describe('.'))
walk('.', {})
