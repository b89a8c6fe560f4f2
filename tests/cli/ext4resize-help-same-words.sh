# --help, the usage line and the manual page name the same options; getopt takes just those.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
root=$TESTS/..

expect_status 0 "$EXT4RESIZE" --help
sed -nE 's/^ +(--?[A-Za-z-]+)( .*)?/\1/p' stdout | sort >help
[ "$(wc -l <help)" -gt 10 ] || fail "--help names no options"
grep -q '^Usage: ext4resize ' stdout || fail "no usage in --help"
sed 's/\\-/-/g' "$root/man/ext4resize.1" | awk '/^\.SH/ { on = /OPTIONS/ } on' |
    sed -nE 's/^\.BI? (--?[A-Za-z-]+)( .*)?$/\1/p' | sort -u >page
diff help page || fail "--help (<) and the manual page (>) name different options"
while read -r option; do
    case $option in
    --*) ;;
    *) grep -q -e "\[$option[] |]" -e "[[|]$option|" stdout || fail "the usage has no $option" ;;
    esac
done <help
for letter in a c e g i j k l m n o q r t u v w x y A B C D E G H I J K L N O Q R T U V W X Y Z; do
    expect_status 1 "$EXT4RESIZE" -$letter nothing
    expect_in stderr 'invalid option'
done
expect_status 0 "$EXT4RESIZE" --version
[ "$(cat stdout)" = "ext4resize $("$VHDTOOL" --version | cut -d ' ' -f 2)" ] || fail "$(cat stdout)"
grep -q 'ext4resize disk.img' "$root/README.md" || fail "README.md doesn't mention ext4resize"
