# --help, the manual page and the README name the same commands, and the first two the same options.
. "$TESTS/support/lib.sh"
root=$TESTS/..

# Paragraph by paragraph of the help: "NAME" of each command, "--option" of each option.
commands_of() { sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
options_of() { sed -nE 's/^ +(-[a-z], )?(--[a-z0-9-]+).*/\2/p' | sort -u; }

"$VHDTOOL" --help >help
commands_of <help | sort >commands
[ -s commands ] || fail "--help names no command"

sed 's/\\-/-/g; s/\\//g' "$root/man/vhdtool.1" >page
awk '/^\.SH/ { on = /COMMANDS/ } on && /^\.SS/ { print $2 }' page | sort >page-commands
diff commands page-commands || fail "--help (<) and the manual page (>) name different commands"

# option words of the page below a heading: those of one command, or the common ones
page_options() {
    awk -v heading="$1" '/^\.S[SH]/ { on = index($0, heading) == 1 } on' page |
        awk '/^\.(B|BI|BR|RB) / && match($0, /--[a-z0-9-]*[a-z0-9]/) {
            print substr($0, RSTART, RLENGTH) }' | sort -u
}

while read -r command; do
    "$VHDTOOL" "$command" --help >help
    sed -n 's/^Usage: vhdtool //p' help >usage
    grep -Fqx ".SS $(cat usage)" page || fail "the manual page has not the usage: $(cat usage)"
    sed -n '/^Options:/,/^$/p' help | options_of >own
    page_options ".SS $command " >page-own
    diff own page-own || fail "$command --help (<) and the manual page (>) name different options"
    grep -q 'Before anything is changed' help && changes=1 || changes=
    sed '/^Options:/,/^$/d' help | options_of >common
    page_options '.SH OPTIONS' >expected
    [ -n "$changes" ] || sed -i '/--dry-run/d; /--force/d' expected
    diff common expected || fail "$command --help (<) and the manual page (>) differ in common options"
    grep -q "vhdtool $command" "$root/README.md" ||
        fail "README.md doesn't mention: vhdtool $command"
done <commands
