#!/usr/bin/env python3
"""fragment-files.py RAW FIRST_GROUP INODE...: gives each inode, an empty file of an ext4 filesystem, 115,600
blocks in as many extents, with a free block between any two, in the groups from FIRST_GROUP on that are empty.
The blocks aren't written: they are holes of RAW. The filesystem is made with
-b 4096 -O 64bit,^metadata_csum,^uninit_bg."""
import struct
import sys

path, group, numbers = sys.argv[1], int(sys.argv[2]), [int(word) for word in sys.argv[3:]]
BLOCK, GROUP, PER_NODE = 4096, 32768, 340
f = open(path, 'r+b')


def at(offset, layout):
    f.seek(offset)
    return struct.unpack(layout, f.read(struct.calcsize(layout)))


def put(offset, layout, *values):
    f.seek(offset)
    f.write(struct.pack(layout, *values))


inodes_per_group, inode_size = at(1024 + 40, '<I')[0], at(1024 + 88, '<H')[0]
taken_blocks = 0


def descriptor(number):
    return BLOCK + 64 * number


def places():
    """Every other block of each group from its middle on; marks them."""
    global group, taken_blocks
    while True:
        if at(descriptor(group) + 12, '<H')[0] != GROUP:
            group += 1
            continue
        low, = at(descriptor(group), '<I')
        high, = at(descriptor(group) + 32, '<I')
        bitmap = low | high << 32
        f.seek(bitmap * BLOCK)
        f.write(bytes(GROUP // 16) + b'\x55' * (GROUP // 16))
        put(descriptor(group) + 12, '<H', GROUP - GROUP // 4)
        put(descriptor(group) + 18, '<H', 0)
        taken_blocks += GROUP // 4
        yield from range(group * GROUP + GROUP // 2, (group + 1) * GROUP, 2)
        group += 1


def node(depth, entries, most):
    return struct.pack('<HHHHI', 0xf30a, len(entries), most, depth, 0) + b''.join(entries)


free = places()
for number in numbers:
    logical, index = 0, []
    for _ in range(PER_NODE):
        first, leaf = logical, []
        for _ in range(PER_NODE):
            place = next(free)
            leaf.append(struct.pack('<IHHI', logical, 1, place >> 32, place & 0xffffffff))
            logical += 1
        place = next(free)
        f.seek(place * BLOCK)
        f.write(node(0, leaf, PER_NODE))
        index.append(struct.pack('<IIHH', first, place & 0xffffffff, place >> 32, 0))
    place = next(free)
    f.seek(place * BLOCK)
    f.write(node(1, index, PER_NODE))
    root = node(2, [struct.pack('<IIHH', 0, place & 0xffffffff, place >> 32, 0)], 4)
    table_group, index_in_group = divmod(number - 1, inodes_per_group)
    table = at(descriptor(table_group) + 8, '<I')[0] | at(descriptor(table_group) + 40, '<I')[0] << 32
    inode = table * BLOCK + index_in_group * inode_size
    put(inode + 4, '<I', logical * BLOCK)
    put(inode + 28, '<I', (logical + PER_NODE + 1) * 8)
    f.seek(inode + 40)
    f.write(root.ljust(60, b'\0'))
# What is left of the last group is given to nobody.
rest = list(range(next(free), (group + 1) * GROUP, 2))
low, high = at(descriptor(group), '<I')[0], at(descriptor(group) + 32, '<I')[0]
for place in rest:
    bit = place % GROUP
    offset = (low | high << 32) * BLOCK + bit // 8
    f.seek(offset)
    byte = f.read(1)[0]
    put(offset, '<B', byte & ~(1 << bit % 8))
put(descriptor(group) + 12, '<H', GROUP - GROUP // 4 + len(rest))
taken_blocks -= len(rest)
low, high = at(1024 + 12, '<I')[0], at(1024 + 0x158, '<I')[0]
left = (low | high << 32) - taken_blocks
put(1024 + 12, '<I', left & 0xffffffff)
put(1024 + 0x158, '<I', left >> 32)
