# All power cuts of the images of which the unit test tries a sample.
. "$TESTS/support/lib.sh"

THOROUGH=1 "$(dirname "$VHDTOOL")/tests/unit/resize-power-cut" --jobs=1
