"""Bytes of VHDX structures, from MS-VHDX v20210625 (section numbers in the comments).

Written apart from the program that reads these files, so that the two can
disagree. Nothing here checks anything: hostile files are made with it, too.
"""

import struct
import uuid

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40

# 2.2
HEADER_OFFSETS = (64 * KIB, 128 * KIB)
REGION_TABLE_OFFSETS = (192 * KIB, 256 * KIB)
TABLE_SIZE = 64 * KIB
SECTOR = 4 * KIB

# 2.2.3.2
REGION_BAT = "2dc27766-f623-4200-9d64-115e9bfd4a08"
REGION_METADATA = "8b7ca206-4790-4b9a-b8fe-575f050f886e"

# 2.6.2
ITEM_FILE_PARAMETERS = "caa16737-fa36-4d43-b3b6-33f0aa44e76b"
ITEM_VIRTUAL_SIZE = "2fa54224-cd1b-4876-b211-5dbed83bf4b8"
ITEM_DISK_ID = "beca12ab-b2e6-4523-93ef-c309e000c746"
ITEM_LOGICAL_SECTOR = "8141bf1d-a96f-4709-ba47-f233a8faab5f"
ITEM_PHYSICAL_SECTOR = "cda348c7-445d-4471-9cc9-e9885251c556"
ITEM_PARENT_LOCATOR = "a8d35f2d-b30b-454d-abf7-d3d84834ab0c"
# Not in the specification: a file whose creation hasn't ended, as openvmm's source has it.
ITEM_INCOMPLETE = "71cc85f0-1b69-4e28-9558-c3bf83ae75d3"
LOCATOR_VHDX = "b04aefb7-d19e-4a81-b789-25b8e9445913"  # 2.6.2.6.3

# 2.6.1.2
IS_USER = 1
IS_VIRTUAL_DISK = 2
IS_REQUIRED = 4

# 2.5.1.1
NOT_PRESENT, UNDEFINED, ZERO, UNMAPPED = 0, 1, 2, 3
FULLY_PRESENT, PARTIALLY_PRESENT = 6, 7


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC_TABLE = _crc_table()


def crc32c(data):
    """CRC-32C, polynomial 0x1EDC6F41 (2)."""
    crc, table = 0xFFFFFFFF, _CRC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def seal(data):
    """Puts the checksum of the whole into bytes 4 to 7, which count as zero."""
    data[4:8] = bytes(4)
    data[4:8] = struct.pack("<I", crc32c(data))
    return data


def guid(text):
    return uuid.UUID(text).bytes_le


def numbered_guid(number):
    """A GUID that is like no other, and the same every time."""
    return str(uuid.UUID(int=0x5EED0000_0000_4000_8000_000000000000 + number))


def file_identifier(creator):  # 2.2.1
    return (b"vhdxfile" + creator.encode("utf-16-le")).ljust(TABLE_SIZE, b"\0")


def header(sequence, file_write, data_write, log_guid, log_version, version, log_length,
           log_offset):  # 2.2.2
    data = struct.pack("<4sIQ16s16s16sHHIQ", b"head", 0, sequence, guid(file_write),
                       guid(data_write), guid(log_guid), log_version, version, log_length,
                       log_offset)
    return seal(bytearray(data.ljust(4096, b"\0")))


def region_table(regions, count=None):  # 2.2.3
    """regions: (guid, offset, length, required)."""
    data = bytearray(struct.pack("<4sIII", b"regi", 0, len(regions) if count is None else count,
                                 0))
    for region, offset, length, required in regions:
        data += struct.pack("<16sQII", guid(region), offset, length, required)
    return seal(data.ljust(TABLE_SIZE, b"\0"))


def metadata_table(items, count=None):  # 2.6.1
    """items: (guid, flags, offset, length)."""
    data = struct.pack("<8sHH20x", b"metadata", 0, len(items) if count is None else count)
    for item, flags, offset, length in items:
        data += struct.pack("<16sIIII", guid(item), offset, length, flags, 0)
    return data.ljust(TABLE_SIZE, b"\0")


def file_parameters(block_size, leave_allocated=False, has_parent=False):  # 2.6.2.1
    return struct.pack("<II", block_size, leave_allocated | has_parent << 1)


def parent_locator(pairs):  # 2.6.2.6
    table, strings = b"", b""
    start = 20 + 12 * len(pairs)
    for key, value in pairs:
        key, value = key.encode("utf-16-le"), value.encode("utf-16-le")
        table += struct.pack("<IIHH", start + len(strings), start + len(strings) + len(key),
                             len(key), len(value))
        strings += key + value
    return struct.pack("<16sHH", guid(LOCATOR_VHDX), 0, len(pairs)) + table + strings


def bat_entry(state, offset=0):  # 2.5.1
    """offset: bytes of the file."""
    return offset // MIB << 20 | state


def bat_index(block, block_size, sector_size=512):  # 2.5
    """The place of a payload block's entry: a bitmap entry follows each chunk."""
    ratio = (1 << 23) * sector_size // block_size
    return block + block // ratio


def data_descriptor(sequence, offset, update):  # 2.3.1.3
    return struct.pack("<4s4s8sQQ", b"desc", update[4092:4096], update[0:8], offset, sequence)


def zero_descriptor(sequence, offset, length):  # 2.3.1.2
    return struct.pack("<4sIQQQ", b"zero", 0, length, offset, sequence)


def data_sector(sequence, update):  # 2.3.1.4
    return (b"data" + struct.pack("<I", sequence >> 32) + update[8:4092] +
            struct.pack("<I", sequence & 0xFFFFFFFF))


def log_entry(log_guid, sequence, tail, writes, flushed, last, count=None, length=None,
              change=None):  # 2.3.1
    """writes: (offset, 4096 bytes), or (offset, None, length) for zeros.

    change is called with the finished entry, and may bend it before it gets its checksum.
    """
    descriptors, sectors = b"", b""
    for write in writes:
        if write[1] is None:
            descriptors += zero_descriptor(sequence, write[0], write[2])
        else:
            descriptors += data_descriptor(sequence, write[0], write[1])
            sectors += data_sector(sequence, write[1])
    body = 64 + len(descriptors)
    padding = bytes(-body % SECTOR)
    total = body + len(padding) + len(sectors)
    entry = struct.pack("<4sIIIQII16sQQ", b"loge", 0, total if length is None else length, tail,
                        sequence, len(writes) if count is None else count, 0, guid(log_guid),
                        flushed, last)  # 2.3.1.1
    entry = bytearray(entry + descriptors + padding + sectors)
    if change:
        change(entry)
    return seal(entry)
