"""Variants of the metadata and of the BAT."""

import struct

from vhdx_format import *
from vhdx_image import pattern
from vhdx_variant import OPENS, REFUSED, declare

VARIANTS = []


def opens(**geometry):
    return declare(VARIANTS, OPENS, **geometry)


def refused(**geometry):
    return declare(VARIANTS, REFUSED, **geometry)


# Metadata (2.6)

@refused()
def metadata_signature(image):
    """The metadata table doesn't begin with its signature."""
    image.flip(image.metadata_offset)


@refused()
def metadata_count_4000(image):
    """More entries than fit (2047)."""
    image.metadata_count = 4000


@refused()
def item_in_table(image):
    """An item's offset must be at least 64 KiB."""
    image.item_places[1] = (4096, 8)


@refused()
def item_outside(image):
    """An item lies behind the end of the region."""
    image.item_places[1] = (MIB, 8)


@refused()
def item_offset_huge(image):
    """Offset and length overflow 32 bits."""
    image.item_places[1] = (0xFFFFFFFC, 8)


@refused()
def item_length_wrong(image):
    """The virtual size has 4 bytes."""
    image.item_places[1] = (TABLE_SIZE + 8, 4)


@refused()
def item_twice(image):
    """Two items of one id."""
    image.items.append(image.items[1])


@refused()
def item_required_unknown(image):
    """A required item that nobody knows."""
    image.items.append((numbered_guid(51), IS_REQUIRED, b"what is this?"))


@opens()
def item_optional_unknown(image):
    """Optional items that nobody knows, one of the system and one of the user."""
    image.items.append((numbered_guid(51), IS_VIRTUAL_DISK, b"what is this?"))
    image.items.append((numbered_guid(52), IS_VIRTUAL_DISK | IS_USER, b"a user's"))


@refused()
def item_incomplete(image):
    """The mark of a file whose creation hasn't ended."""
    image.items.append((ITEM_INCOMPLETE, IS_REQUIRED, b"\0" * 8))


def _missing(name, item):
    def change(image):
        image.items = [entry for entry in image.items if entry[0] != item]
    change.__name__, change.__doc__ = "item_missing_" + name, "A required item isn't there."
    refused()(change)


for _name, _item in (("parameters", ITEM_FILE_PARAMETERS), ("size", ITEM_VIRTUAL_SIZE),
                     ("id", ITEM_DISK_ID), ("logical_sector", ITEM_LOGICAL_SECTOR),
                     ("physical_sector", ITEM_PHYSICAL_SECTOR)):
    _missing(_name, _item)


@refused()
def parent_without_locator(image):
    """HasParent is set, and no locator says where the parent is."""
    image.set_item(ITEM_FILE_PARAMETERS, file_parameters(MIB, has_parent=True))


@refused()
def parent_lost(image):
    """A differencing file whose parent isn't there."""
    image.set_item(ITEM_FILE_PARAMETERS, file_parameters(MIB, has_parent=True))
    image.items.append((ITEM_PARENT_LOCATOR, IS_REQUIRED, parent_locator([
        ("parent_linkage", "{%s}" % numbered_guid(60)),
        ("relative_path", ".\\no-such-parent.vhdx")])))


def _number(name, item, packed, why):
    def change(image):
        image.set_item(item, packed)
    change.__name__, change.__doc__ = name, why
    refused()(change)


_number("block_size_0", ITEM_FILE_PARAMETERS, file_parameters(0), "At least 1 MiB.")
_number("block_size_3_mib", ITEM_FILE_PARAMETERS, file_parameters(3 * MIB), "A power of two.")
_number("block_size_512_mib", ITEM_FILE_PARAMETERS, file_parameters(512 * MIB),
        "At most 256 MiB.")
_number("logical_sector_1024", ITEM_LOGICAL_SECTOR, struct.pack("<I", 1024), "512 or 4096.")
_number("logical_sector_0", ITEM_LOGICAL_SECTOR, struct.pack("<I", 0), "512 or 4096.")
_number("physical_sector_1024", ITEM_PHYSICAL_SECTOR, struct.pack("<I", 1024), "512 or 4096.")
_number("virtual_size_0", ITEM_VIRTUAL_SIZE, struct.pack("<Q", 0), "A disk has a size.")
_number("virtual_size_odd", ITEM_VIRTUAL_SIZE, struct.pack("<Q", 8 * MIB - 100),
        "A multiple of the logical sector.")
_number("bat_too_small", ITEM_VIRTUAL_SIZE, struct.pack("<Q", 1 * TIB),
        "A BAT of 1 MiB holds 128 Ki entries; 1 TiB of 1 MiB blocks needs more.")


@refused(virtual_size=65 * TIB, block_size=256 * MIB, bat_length=3 * MIB, blocks=())
def virtual_size_65_tib(image):
    """At most 64 TiB; the BAT is large enough."""


# BAT (2.5)

def _entry(name, expectation, entry, why):
    """entry: from the image, what block 1 gets."""
    def change(image):
        image.bat[1] = entry(image)
    change.__name__, change.__doc__ = "bat_" + name, why
    declare(VARIANTS, expectation)(change)


_entry("outside", REFUSED, lambda i: bat_entry(FULLY_PRESENT, i.end),
       "A block behind the end of the file.")
_entry("far_outside", REFUSED, lambda i: (1 << 64) - (1 << 20) | FULLY_PRESENT,
       "A block at the largest offset that an entry can hold.")
_entry("twice", REFUSED, lambda i: i.bat[2], "Two blocks in one place.")
_entry("over_headers", REFUSED, lambda i: bat_entry(FULLY_PRESENT, 0), "A block over the headers.")
_entry("over_log", REFUSED, lambda i: bat_entry(FULLY_PRESENT, i.log_offset),
       "A block over the log.")
_entry("over_metadata", REFUSED, lambda i: bat_entry(FULLY_PRESENT, i.metadata_offset),
       "A block over the metadata region.")
_entry("over_bat", REFUSED, lambda i: bat_entry(FULLY_PRESENT, i.bat_offset),
       "A block over the BAT.")
_entry("state_4", REFUSED, lambda i: 4, "A reserved state.")
_entry("state_5", OPENS, lambda i: 5, "Reserved; UNMAPPED in a draft of the specification.")
_entry("partially_present", REFUSED, lambda i: bat_entry(PARTIALLY_PRESENT, i.store(b"x")),
       "Only differencing files have blocks that are partly present.")
_entry("undefined", OPENS, lambda i: UNDEFINED, "Anything may be read here; zeros are best.")
_entry("zero", OPENS, lambda i: ZERO, "Reads as zeros.")
_entry("unmapped", OPENS, lambda i: UNMAPPED, "Reads as zeros when it has no offset.")
_entry("zero_with_offset", OPENS, lambda i: bat_entry(ZERO, i.store(pattern("zero"))),
       "The offset is reserved: zeros, whatever lies there.")
_entry("absent_with_offset", OPENS, lambda i: bat_entry(NOT_PRESENT, i.store(pattern("absent"))),
       "The offset is reserved.")
_entry("unmapped_with_offset", OPENS, lambda i: bat_entry(UNMAPPED, i.store(pattern("old"))),
       "The old contents lie there; they or zeros may be read (the expectation says zeros).")


@refused(virtual_size=32 * MIB, block_size=2 * MIB)
def bat_blocks_overlap(image):
    """Two blocks of 2 MiB share 1 MiB."""
    image.bat[1] = bat_entry(FULLY_PRESENT, image.place(2) + MIB)


@refused()
def bat_over_optional_region(image):
    """A block lies over a region that nobody knows."""
    image.regions.append((numbered_guid(50), image.store(pattern("region")), MIB, 0))
    image.bat[1] = bat_entry(FULLY_PRESENT, image.end - MIB)


@refused(virtual_size=4 * GIB + 8 * MIB)
def bat_bitmap_entry(image):
    """A sector bitmap entry must be zero in a dynamic file."""
    image.bat[4096] = bat_entry(FULLY_PRESENT, image.store(b"\xff" * MIB))
