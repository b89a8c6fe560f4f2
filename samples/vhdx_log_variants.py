"""Variants with a dirty log (2.3). Stale structures in the file differ from what the log holds,
so a program that ignores the log, or replays the wrong part, reads something else."""

import struct

from vhdx_format import *
from vhdx_image import pattern
from vhdx_variant import OPENS, REFUSED, declare

VARIANTS = []


def opens(**geometry):
    return declare(VARIANTS, OPENS, **geometry)


def refused(**geometry):
    return declare(VARIANTS, REFUSED, **geometry)


def forget(image, *blocks):
    """The file's BAT, which is stale, doesn't have these entries; returns the sector that does."""
    fresh = image.bat_sector({})
    for block in blocks:
        del image.bat[block]
    return fresh


# Logs that count

@opens()
def log_data(image):
    """One entry with the first sector of the BAT. It begins with an entry of its own: an update
    that began at a sector boundary lost its first bytes in QEMU until 2023."""
    image.log_write(0, 1, 0, [forget(image, 0, 5)])


@opens(virtual_size=520 * MIB, blocks=(2, 0, 5))
def log_data_and_zero(image):
    """The second sector of the BAT, which the log zeroes, has an entry for block 513."""
    image.bat[513] = bat_entry(FULLY_PRESENT, image.store(pattern("dropped")))
    second = image.bat_offset + SECTOR
    image.log_write(0, 1, 0, [forget(image, 0, 5), (second, None, SECTOR)])


@opens()
def log_trailing_bytes(image):
    """The logical sector size lies in the last four bytes of a metadata sector."""
    image.item_places[3] = (TABLE_SIZE + SECTOR - 4, 4)
    place = image.metadata_offset + TABLE_SIZE
    fresh = image.encode_metadata()[TABLE_SIZE:TABLE_SIZE + SECTOR]
    image.patches.append((place, bytes(SECTOR)))
    image.log_write(0, 1, 0, [(place, fresh)])


@opens(blocks=(2, 0, 5, 7))
def log_several(image):
    """Three entries; each sector is replayed in their order."""
    last = image.bat_sector({})
    middle = image.bat_sector({7: 0})
    first = forget(image, 0, 5, 7)
    at = image.log_write(0, 5, 0, [first])
    at = image.log_write(at, 6, 0, [middle])
    image.log_write(at, 7, 0, [last])


@opens()
def log_tail_moved(image):
    """The newest entry's tail leaves out the one before it, which was applied long ago; since
    then the disk grew."""
    fresh = forget(image, 5)
    items = image.encode_metadata()[TABLE_SIZE:].ljust(SECTOR, b"\0")
    small = items.replace(struct.pack("<Q", 8 * MIB), struct.pack("<Q", 4 * MIB))
    at = image.log_write(0, 5, 0, [(image.metadata_offset + TABLE_SIZE, small)])
    image.log_write(at, 6, at, [fresh])


@opens(blocks=(2, 0, 5, 7))
def log_wrapped(image):
    """The second entry's descriptors end the ring, and its data begins it."""
    fresh = image.bat_sector({})
    stale = forget(image, 0, 5, 7)
    start = MIB - 3 * SECTOR
    at = image.log_write(start, 5, start, [stale])
    image.log_write(at, 6, start, [fresh])


@opens()
def log_two_sequences(image):
    """An old sequence lies before the newer one."""
    fresh = forget(image, 0, 5)
    image.log_write(0, 10, 0, [image.bat_sector({2: 0})])
    image.log_write(64 * KIB, 20, 64 * KIB, [fresh])


@opens()
def log_two_sequences_newer_first(image):
    """An old sequence lies behind the newer one."""
    fresh = forget(image, 0, 5)
    image.log_write(0, 20, 0, [fresh])
    image.log_write(64 * KIB, 10, 64 * KIB, [image.bat_sector({2: 0})])


@opens()
def log_torn_last(image):
    """The third entry isn't whole: the sequence ends with the second."""
    fresh = forget(image, 0, 5)
    at = image.log_write(0, 5, 0, [image.bat_sector({2: 0})])
    at = image.log_write(at, 6, 0, [fresh])
    image.log_write(at, 7, 0, [image.bat_sector({2: 0})])
    _tear(image)


@opens()
def log_empty_entry(image):
    """An entry without descriptors: nothing is to be replayed."""
    image.log_write(0, 1, 0, [])


@opens()
def log_leftovers(image):
    """The header's log id is zero: valid entries in the log mean nothing."""
    image.log_write(0, 1, 0, [image.bat_sector({2: 0})])
    image.set_header(log_guid="00000000-0000-0000-0000-000000000000")


@opens()
def log_extends_file(image):
    """LastFileOffset lies beyond the file: it must be made longer, for a block that is there."""
    end = image.end
    fresh = image.bat_sector({7: bat_entry(FULLY_PRESENT, end)})
    image.log_write(0, 1, 0, [fresh], last=end + MIB)


@opens(virtual_size=16 * MIB, blocks=(2, 0, 5, 12))
def log_moves_bat(image):
    """As a disk grows: the log points both region tables to a BAT that lies behind the end of the
    file and in the log, and sets the size."""
    old, new = image.bat_offset, image.end
    items = image.metadata_offset + TABLE_SIZE
    tables = region_table([(REGION_BAT, new, MIB, 1), image.regions[1]])
    writes = [(offset, tables[:SECTOR]) for offset in REGION_TABLE_OFFSETS]
    writes.append((items, image.encode_metadata()[TABLE_SIZE:].ljust(SECTOR, b"\0")))
    image.bat_offset = new
    writes.append(forget(image, 12))
    image.bat_offset = old
    image.set_item(ITEM_VIRTUAL_SIZE, struct.pack("<Q", 8 * MIB))
    image.log_write(0, 1, 0, writes, last=new + MIB)


# Logs that don't

def _tear(image):
    offset, entry = image.log[-1]
    image.log[-1] = (offset, entry[:SECTOR + 100] + b"\xee" + entry[SECTOR + 101:])


def _put(place, form, *values):
    """What changes an entry before it gets its checksum."""
    def change(entry):
        struct.pack_into(form, entry, place, *values)
    return change


DESCRIPTOR = 64  # where the first one begins


@refused()
def log_without_entry(image):
    """A log id, and no entry at all."""
    image.log_write(0, 1, 0, [])
    image.log = []


@refused()
def log_torn(image):
    """The only entry isn't whole."""
    image.log_write(0, 1, 0, [forget(image, 5)])
    _tear(image)


@refused()
def log_flushed_beyond_file(image):
    """FlushedFileOffset says that the file was longer: it was cut off."""
    fresh = forget(image, 5)
    image.log_write(0, 1, 0, [fresh], flushed=image.end + MIB, last=image.end + MIB)


@refused()
def log_other_id(image):
    """The entry has another log's id."""
    image.log_write(0, 1, 0, [forget(image, 5)], log_guid=numbered_guid(70))


def _one_entry(name, why, sequence=1, tail=0, **more):
    """A variant whose only entry is bent, and so no valid one."""
    def change(image):
        image.log_write(0, sequence, tail, [forget(image, 5)], **more)
    change.__name__, change.__doc__ = "log_" + name, why
    refused()(change)


_one_entry("data_sequence_low", "The data sector's last bytes are of another entry.",
           change=_put(2 * SECTOR - 4, "<I", 9))
_one_entry("data_sequence_high", "The data sector's first bytes are of another entry.",
           change=_put(SECTOR + 4, "<I", 9))
_one_entry("data_signature", "The data sector has no signature.",
           change=_put(SECTOR, "<4s", b"DATA"))
_one_entry("descriptor_sequence", "The descriptor is of another entry.",
           change=_put(DESCRIPTOR + 24, "<Q", 9))
_one_entry("descriptor_signature", "A descriptor that is neither data nor zero.",
           change=_put(DESCRIPTOR, "<4s", b"what"))
_one_entry("descriptor_unaligned", "Offsets are multiples of 4 KiB.",
           change=_put(DESCRIPTOR + 16, "<Q", 3 * MIB + 512))
_one_entry("descriptor_in_headers", "Headers are never logged.",
           change=_put(DESCRIPTOR + 16, "<Q", 64 * KIB))
_one_entry("descriptor_in_identifier", "The first 64 KiB are never written again.",
           change=_put(DESCRIPTOR + 16, "<Q", 0))
_one_entry("descriptor_huge", "An offset of 8 EiB.",
           change=_put(DESCRIPTOR + 16, "<Q", (1 << 63) - SECTOR))
_one_entry("descriptor_wraps", "Offset and length overflow 64 bits.",
           change=_put(DESCRIPTOR + 16, "<Q", (1 << 64) - SECTOR))
_one_entry("zero_huge", "A run of zeros of 4 EiB.",
           change=_put(DESCRIPTOR, "<4sIQ", b"zero", 0, 1 << 62))
_one_entry("zero_unaligned", "A run of zeros of 512 bytes.",
           change=_put(DESCRIPTOR, "<4sIQ", b"zero", 0, 512))
_one_entry("sequence_0", "Sequence numbers begin with 1.", sequence=0)
_one_entry("tail_elsewhere", "The tail isn't within the sequence.", tail=64 * KIB)
_one_entry("tail_outside", "The tail isn't within the log.", tail=16 * MIB)
_one_entry("tail_unaligned", "The tail is a multiple of 4 KiB.", tail=512)
_one_entry("count_huge", "More descriptors than the entry can hold.", count=0xFFFFFFFF)
_one_entry("count_too_large", "More descriptors than there are.", count=2)
_one_entry("entry_length_huge", "An entry longer than the log.", length=0xFFFFF000)
_one_entry("entry_length_0", "An entry without a length.", length=0)
_one_entry("entry_length_odd", "The length is a multiple of 4 KiB.", length=2 * SECTOR + 512)
