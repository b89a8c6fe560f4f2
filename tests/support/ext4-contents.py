#!/usr/bin/env python3
"""ext4-contents.py FOLDER [BYTES BLOCK-SIZE]

Fills a folder, the top of a mounted filesystem, with all kinds of contents, the same ones in each
run; they take a quarter of BYTES (what is free there). With both numbers, less of what takes
mke2fs -d and debugfs long: names in one folder, and holes. Prints the kinds that the filesystem
doesn't have, one a line.

Two stages with a large file between them that goes away in the end: what the second one makes
lies behind it, at the end of the disk, and the space before it is free. Inodes of all groups come
into use.
"""
import ctypes
import errno
import fcntl
import os
import random
import struct
import sys

GET_FLAGS, SET_FLAGS = 0x80086601, 0x40086602
GET_PROJECT, SET_PROJECT = 0x801C581F, 0x401C5820
APPEND, IMMUTABLE, NO_DUMP, CASEFOLD = 0x20, 0x10, 0x40, 0x40000000
KEEP_SIZE, PUNCH_HOLE = 1, 2
NOT_THERE = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSPC, errno.EFBIG,
             errno.E2BIG, errno.ERANGE, errno.EMLINK)

libc = ctypes.CDLL(None, use_errno=True)
numbers = random.Random(1)
noise = numbers.randbytes(1 << 20)


def content(size):
    start = numbers.randrange(len(noise) - 65536)
    return (noise[start:start + 65536] * (size // 65536 + 1))[:size]


def allocate(fd, mode, offset, size):
    if libc.fallocate64(fd, mode, ctypes.c_long(offset), ctypes.c_long(size)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def reserve(fd, offset, size):
    """Allocates without writing; where that isn't known (indirect blocks), by writing."""
    try:
        allocate(fd, 0, offset, size)
    except OSError as e:
        if e.errno != errno.EOPNOTSUPP:
            raise
        os.pwrite(fd, content(size), offset)
        os.fdatasync(fd)


def create(path):
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o640)


def write(path, size):
    with open(path, 'wb') as f:
        f.write(content(size))


def set_flags(path, flags):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        now = struct.unpack('=L', fcntl.ioctl(fd, GET_FLAGS, b'\0' * 8)[:4])[0]
        fcntl.ioctl(fd, SET_FLAGS, struct.pack('=LL', now | flags, 0))
    finally:
        os.close(fd)


def set_project(path, project):
    fd = os.open(path, os.O_RDONLY)
    try:
        now = list(struct.unpack('=LLLLL8x', fcntl.ioctl(fd, GET_PROJECT, b'\0' * 28)))
        now[3] = project
        fcntl.ioctl(fd, SET_PROJECT, struct.pack('=LLLLL8x', *now))
    finally:
        os.close(fd)


def access_list(*entries):
    """An ACL as the kernel takes it: (tag, permissions, id) sorted by tag."""
    return struct.pack('<L', 2) + b''.join(struct.pack('<HHL', *e) for e in entries)


class Contents:
    def __init__(self, top, free=None, block=None):
        space = os.statvfs(top)
        self.top = os.path.abspath(top)
        self.free = int(free or space.f_bavail * space.f_frsize)
        self.block = int(block or space.f_frsize)
        self.unit = self.probe_unit()
        self.inodes = space.f_favail
        self.few = block is not None

    def at(self, *names):
        return os.path.join(self.top, *names)

    def folder(self, *names):
        path = self.at(*names)
        os.makedirs(path, exist_ok=True)
        return path

    def probe_unit(self):
        """What the smallest file takes: a block or a cluster."""
        path = self.at('probe')
        fd = create(path)
        os.write(fd, b'x' * 3000)
        os.fsync(fd)
        unit = max(os.fstat(fd).st_blocks * 512, 4096)
        os.close(fd)
        os.unlink(path)
        return unit

    def count(self, most, share):
        """How many files of one unit: most at most, and a share of what is free."""
        return max(4, min(most, int(self.free * share) // self.unit, self.inodes // 8))

    # Kinds: each is made in both stages, below a folder of its own that the kernel puts into a
    # group of its own.

    def small_files(self, stage):
        count = self.count(320, 0.04)
        for i in range(count):
            folder = self.folder('%s-small-%d' % (stage, i % 8))
            size = (0, 1, 59, 60, 150, 900, 4096, 9000)[i // 8 % 8]
            write(os.path.join(folder, 'file%03d' % i), min(size, self.unit * 2))

    def names(self, stage):
        """Many names of few inodes: a hashed directory, with all that mentions an inode."""
        folder = self.folder(stage + '-names')
        inodes = self.count(16, 0.01)
        count = max(100, min(1000 if self.few else 10000, self.free // 3000))
        for i in range(count if stage == 'first' else count // 8):
            path = os.path.join(folder, 'a-rather-long-name-%d' % (i * 7919 % 1000003))
            if i < inodes:
                write(path, i)
                first = path if i == 0 else first
            else:
                os.link(os.path.join(folder, 'a-rather-long-name-%d' % (i % inodes * 7919)), path)

    def deep(self, stage):
        path = self.folder(stage + '-deep')
        for i in range(self.count(24, 0.01)):
            path = os.path.join(path, 'level%d' % i)
            os.mkdir(path)
        write(os.path.join(path, 'bottom'), 100)

    def links(self, stage):
        folder = self.folder(stage + '-links')
        os.symlink('short', os.path.join(folder, 'fast'))
        os.symlink('l' * 59, os.path.join(folder, 'fast-longest'))
        os.symlink('l' * 60, os.path.join(folder, 'slow-shortest'))
        os.symlink('n' * 900, os.path.join(folder, 'slow'))
        write(os.path.join(folder, 'one'), 77)
        os.link(os.path.join(folder, 'one'), self.at(stage + '-another-name'))

    def special(self, stage):
        folder = self.folder(stage + '-special')
        os.mkfifo(os.path.join(folder, 'fifo'))
        os.mknod(os.path.join(folder, 'null'), 0o020666, os.makedev(1, 3))
        os.mknod(os.path.join(folder, 'large'), 0o060600, os.makedev(1000, 70000))
        os.mknod(os.path.join(folder, 'socket'), 0o140600)

    def owners(self, stage):
        folder = self.folder(stage + '-owners')
        for i, owner in enumerate((1, 65535, 65536, 70000, 4000000000)):
            path = os.path.join(folder, str(owner))
            write(path, 100)
            os.chown(path, owner, owner - 1)
            os.chmod(path, 0o4711 + i)

    def attributes_inside(self, stage):
        path = self.at(self.folder(stage + '-attributes'), 'inside')
        write(path, 10)
        os.setxattr(path, 'user.a', b'1')

    def attributes_block(self, stage):
        folder = self.folder(stage + '-attributes')
        write(os.path.join(folder, 'block'), 10)
        os.setxattr(os.path.join(folder, 'block'), 'user.b', content(self.block // 2))
        os.setxattr(os.path.join(folder, 'block'), 'trusted.c', content(90))
        os.setxattr(folder, 'user.folder', content(300))

    def attributes_shared(self, stage):
        folder = self.folder(stage + '-attributes')
        value = content(600)
        for i in range(self.count(40, 0.01)):
            path = os.path.join(folder, 'shared%d' % i)
            os.close(create(path))
            os.setxattr(path, 'user.same', value)

    def attributes_large(self, stage):
        folder = self.folder(stage + '-attributes')
        value = content(min(self.block * 5, 20000))
        for name in ('large', 'large-too', 'large-other'):
            path = os.path.join(folder, name)
            write(path, 10)
            os.setxattr(path, 'user.large', value if name != 'large-other' else value[::-1])

    def access_lists(self, stage):
        folder = self.folder(stage + '-lists')
        names = access_list((1, 6, 2**32 - 1), (2, 4, 70000), (4, 4, 2**32 - 1),
                            (16, 7, 2**32 - 1), (32, 0, 2**32 - 1))
        write(os.path.join(folder, 'file'), 5)
        os.setxattr(os.path.join(folder, 'file'), 'system.posix_acl_access', names)
        os.setxattr(folder, 'system.posix_acl_default', names)

    def sparse(self, stage):
        """One block each behind the borders of direct, indirect, ... blocks, and of 32 bits."""
        fd = create(self.at(self.folder(stage + '-large'), 'sparse'))
        places = (0, 1 << 20, 5 << 20, 70 << 20, 1 << 31, (4 << 30) + 8192, 5 << 30)
        for place in places[:4] if self.few else places:
            os.pwrite(fd, content(self.block), place)
        os.ftruncate(fd, (75 << 20 if self.few else 6 << 30) + 123)
        os.close(fd)

    def preallocated(self, stage):
        fd = create(self.at(self.folder(stage + '-large'), 'preallocated'))
        size = max(self.unit * 8, self.free // 100 // 4096 * 4096)
        allocate(fd, 0, 0, size)
        os.pwrite(fd, content(self.unit), size // 8192 * 4096)
        allocate(fd, KEEP_SIZE, size, self.unit * 3)  # beyond the end of the file
        os.close(fd)

    def swap(self, stage):
        size = max(self.unit, 40960)
        path = self.at(self.folder(stage + '-large'), 'swap')
        write(path, size)
        fd = os.open(path, os.O_RDWR)
        os.pwrite(fd, b'SWAPSPACE2', 4086)
        os.close(fd)
        os.chmod(path, 0o600)

    def large(self, stage):
        write(self.at(self.folder(stage + '-large'), 'large'), int(self.free * 0.03))

    def fragments(self, stage):
        """Two files that take turns, every other block of each a hole: as many extents as blocks,
        in trees of several levels. One goes forwards, one backwards."""
        folder = self.folder(stage + '-fragments')
        step = max(2 * self.block, self.unit)
        count = min(1500, int(self.free * 0.05) // 2 // self.unit)
        a, b = (create(os.path.join(folder, name)) for name in ('forwards', 'backwards'))
        for i in range(count):
            reserve(a, i * step, self.block)
            reserve(b, (count - i) * step, self.block)
        for i in range(0, count, 3):
            os.pwrite(a, content(self.block), i * step)
            os.pwrite(b, content(self.block), (i + 1) * step)
        os.close(a)
        os.close(b)

    def punched(self, stage):
        """A file whose holes are the free space's holes."""
        fd = create(self.at(self.folder(stage + '-fragments'), 'punched'))
        piece = max(4 * self.block, self.unit)
        count = min(400, int(self.free * 0.06) // piece)
        os.pwrite(fd, content(count * piece), 0)
        os.fdatasync(fd)
        for i in range(0, count, 2):
            allocate(fd, KEEP_SIZE | PUNCH_HOLE, i * piece, piece)
        os.close(fd)

    def casefold(self, stage):
        folder = self.folder(stage + '-casefold')
        set_flags(folder, CASEFOLD)
        for i in range(self.count(300, 0.01)):
            os.close(create(os.path.join(folder, 'Straße%d' % i)))

    def project(self, stage):
        folder = self.folder(stage + '-project')
        set_project(folder, 17)
        write(os.path.join(folder, 'file'), 5000)
        set_project(os.path.join(folder, 'file'), 70000)

    # Afterwards.

    def delete_some(self):
        """Free inodes and blocks among those in use."""
        for folder in sorted(os.listdir(self.top)):
            if '-small-' in folder:
                for name in sorted(os.listdir(self.at(folder)))[::3]:
                    os.unlink(self.at(folder, name))

    def set_times(self):
        """To the nanosecond, and some before 1970 and after 2038."""
        starts = (1600000000, -1000, 3000000000, 6000000000)
        paths = []
        for folder, folders, files in os.walk(self.top, topdown=False):
            paths += [os.path.join(folder, name) for name in sorted(folders + files)]
        for i, path in enumerate(p for p in sorted(paths) if '-names/' not in p):
            time = starts[i % 4] * 10**9 + i * 1000000007
            os.utime(path, ns=(time, time + 12345), follow_symlinks=False)

    def flags(self, stage):
        folder = self.folder(stage + '-flags')
        for name, flags in (('none', NO_DUMP), ('append', APPEND), ('fixed', IMMUTABLE)):
            write(os.path.join(folder, name), 200)
            set_flags(os.path.join(folder, name), flags)

    KINDS = (small_files, names, deep, links, special, owners, attributes_inside, attributes_block,
             attributes_shared, attributes_large, access_lists, sparse, preallocated, swap, large,
             fragments, punched, casefold, project)

    def aim(self, share):
        """Has the kernel take inodes from here on, as a share of all: it would fill the first
        groups alone. 0: as it likes."""
        device = os.stat(self.top).st_dev
        name = os.path.realpath('/sys/dev/block/%d:%d' % (os.major(device), os.minor(device)))
        try:
            with open('/sys/fs/ext4/%s/inode_goal' % os.path.basename(name), 'w') as f:
                f.write(str(int(os.statvfs(self.top).f_files * share)))
        except OSError:
            pass  # not mounted by the kernel's ext4

    def make(self, kind, stage):
        kinds = self.KINDS.index(kind) / len(self.KINDS) if kind in self.KINDS else 0.95
        self.aim(kinds / 2 + (0.5 if stage == 'second' else 0))
        try:
            kind(self, stage)
        except OSError as e:
            if e.errno not in NOT_THERE:
                raise
            print(stage, kind.__name__, os.strerror(e.errno))

    def fill(self):
        wall = self.at('wall')
        for kind in self.KINDS:
            self.make(kind, 'first')
        fd = create(wall)
        try:
            reserve(fd, 0, int(self.free * 0.4))
        except OSError as e:
            print('wall', os.strerror(e.errno))
        os.close(fd)
        for kind in self.KINDS:
            self.make(kind, 'second')
        os.sync()
        os.unlink(wall)
        self.delete_some()
        self.set_times()
        for stage in ('first', 'second'):
            self.make(Contents.flags, stage)
        self.aim(0)


os.umask(0o022)
Contents(*sys.argv[1:]).fill()
