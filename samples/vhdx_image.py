"""A small VHDX file as a model that can be bent before its bytes are made.

The layout: headers and region tables in the first MiB; log at 1 MiB, metadata
region at 2 MiB, BAT at 3 MiB, payload blocks behind it in the order in which
they were added.
"""

import hashlib
import random
import struct

from vhdx_format import *

NO_LOG = "00000000-0000-0000-0000-000000000000"
LOG_ID = numbered_guid(4)
PIECE = 64 * KIB


def pattern(name, size=MIB):
    """Bytes without zeros at sector starts, and unlike those of any other name."""
    return random.Random("vhdx-sample-" + name).randbytes(size)


class Image:
    """Everything public: variants change what they like, then encode is called."""

    def __init__(self, virtual_size=8 * MIB, block_size=MIB, sector_size=512, bat_length=MIB,
                 blocks=(2, 0, 5)):
        self.virtual_size = virtual_size
        self.block_size = block_size
        self.sector_size = sector_size
        self.headers = [self._header(7), self._header(6)]
        self.log_length, self.log_offset = MIB, 1 * MIB
        self.metadata_offset, self.metadata_length = 2 * MIB, MIB
        self.bat_offset, self.bat_length = 3 * MIB, bat_length
        self.regions = [(REGION_BAT, self.bat_offset, bat_length, 1),
                        (REGION_METADATA, self.metadata_offset, self.metadata_length, 1)]
        self.region_count = self.metadata_count = None  # None: as many as there are
        system = IS_REQUIRED | IS_VIRTUAL_DISK
        self.items = [
            (ITEM_FILE_PARAMETERS, IS_REQUIRED, file_parameters(block_size)),
            (ITEM_VIRTUAL_SIZE, system, struct.pack("<Q", virtual_size)),
            (ITEM_DISK_ID, system, guid(numbered_guid(3))),
            (ITEM_LOGICAL_SECTOR, system, struct.pack("<I", sector_size)),
            (ITEM_PHYSICAL_SECTOR, system, struct.pack("<I", 4096)),
        ]
        self.item_places = {}    # index of an item: (offset, length) of its own choice
        self.bat = {}            # index: entry
        self.stored = {}         # file offset: bytes
        self.patches = []        # (offset, bytes), put over everything else
        self.log = []            # (offset in the log, bytes); wraps around
        self.end = self.bat_offset + bat_length  # where the next payload block goes
        self.size = None         # of the file; None: up to the last structure
        self.content = {}        # expected: virtual offset: bytes
        for block in blocks:
            self.put_block(block)

    @staticmethod
    def _header(sequence):
        return {"sequence": sequence, "file_write": numbered_guid(1),
                "data_write": numbered_guid(2), "log_guid": NO_LOG, "log_version": 0,
                "version": 1}

    def index(self, block):
        return bat_index(block, self.block_size, self.sector_size)

    def store(self, data, size=None):
        """Appends a payload block to the file; returns its offset."""
        offset = self.end
        self.stored[offset] = data
        self.end += size or self.block_size
        return offset

    def put_block(self, block, name=None):
        """Stores a payload block full of data, refers to it, expects to read it."""
        data = pattern(name or "block-%d" % block, self.block_size)
        offset = self.store(data)
        self.bat[self.index(block)] = bat_entry(FULLY_PRESENT, offset)
        self.content[block * self.block_size] = data
        return offset

    def place(self, block):
        """The file offset of a block."""
        return self.bat[self.index(block)] >> 20 << 20

    def flip(self, offset):
        """Another bit at a byte of the finished file."""
        self.patches.append((offset, None))

    def set_header(self, **fields):
        for header_fields in self.headers:
            header_fields.update(fields)

    def set_item(self, item, data):
        self.items = [(i, f, data if i == item else d) for i, f, d in self.items]

    def bat_sector(self, changes, sector=0):
        """A BAT sector of 4 KiB with some entries changed, as an update for the log."""
        entries = [changes.get(i, self.bat.get(i, 0))
                   for i in range(sector * 512, sector * 512 + 512)]
        return self.bat_offset + sector * SECTOR, struct.pack("<512Q", *entries)

    def log_write(self, offset, sequence, tail, writes, log_guid=LOG_ID, **more):
        """Puts an entry into the log, offset bytes from its start; returns where it ends."""
        size = self.file_size()
        entry = log_entry(log_guid, sequence, tail, writes, more.pop("flushed", size),
                          more.pop("last", size), **more)
        self.set_header(log_guid=LOG_ID)
        self.log.append((offset, bytes(entry)))
        return (offset + len(entry)) % self.log_length

    def file_size(self):
        return self.end if self.size is None else self.size

    def encode_metadata(self):
        table, data, offset = [], bytearray(), TABLE_SIZE
        for number, (item, flags, value) in enumerate(self.items):
            at, length = self.item_places.get(number, (offset, len(value)))
            table.append((item, flags, at, length))
            if TABLE_SIZE <= at <= MIB - len(value):
                data.extend(bytes(max(0, at - TABLE_SIZE + len(value) - len(data))))
                data[at - TABLE_SIZE:at - TABLE_SIZE + len(value)] = value
            offset += -(-len(value) // 8) * 8
        return metadata_table(table, self.metadata_count) + bytes(data)

    def encode_log(self):
        log = bytearray(MIB)
        for offset, entry in self.log:
            first = min(len(entry), len(log) - offset)
            log[offset:offset + first] = entry[:first]
            log[0:len(entry) - first] = entry[first:]
        return bytes(log)

    def parts(self):
        """(offset, bytes) of all that the file holds, later ones over earlier ones."""
        yield 0, file_identifier("vhdx_image.py")
        for offset, fields in zip(HEADER_OFFSETS, self.headers):
            yield offset, header(log_length=self.log_length, log_offset=self.log_offset, **fields)
        table = region_table(self.regions, self.region_count)
        for offset in REGION_TABLE_OFFSETS:
            yield offset, table
        yield self.metadata_offset, self.encode_metadata()
        for index, entry in self.bat.items():
            yield self.bat_offset + index * 8, struct.pack("<Q", entry)
        yield from self.stored.items()
        if self.log:
            yield self.log_offset, self.encode_log()

    def encode(self):
        size = max([self.end] + [offset + len(data) for offset, data in self.parts()])
        data = bytearray(size)
        for offset, part in self.parts():
            data[offset:offset + len(part)] = part
        for offset, part in self.patches:
            part = bytes([data[offset] ^ 0x10]) if part is None else part
            data[offset:offset + len(part)] = part
        return bytes(data[:self.file_size()]).ljust(self.file_size(), b"\0")

    def content_pieces(self):
        """(offset, bytes) of the expected 64 KiB pieces that aren't zeros, ascending."""
        for start in sorted(self.content):
            data = self.content[start]
            for at in range(0, min(len(data), self.virtual_size - start), PIECE):
                piece = data[at:min(at + PIECE, self.virtual_size - start)]
                if piece.strip(b"\0"):
                    yield start + at, piece

    def content_digest(self):
        return digest(self.virtual_size, self.content_pieces())


def digest(size, pieces):
    """SHA-256 over the size and the 64 KiB pieces that aren't zeros, with their offsets."""
    whole = hashlib.sha256(struct.pack("<Q", size))
    for offset, piece in pieces:
        whole.update(struct.pack("<Q", offset))
        whole.update(piece.ljust(PIECE, b"\0"))
    return whole.hexdigest()
