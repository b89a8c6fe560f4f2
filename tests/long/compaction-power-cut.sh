# All power cuts of the compactions of which the unit tests try a sample.
. "$TESTS/support/lib.sh"

units=$(dirname "$VHDTOOL")/tests/unit
THOROUGH=1 "$units/compaction-power-cut" --jobs=1
VHDX_COMPACTION_SEEDS=1-5000 "$units/image-format-vhdx-compaction-cuts" --jobs=1
