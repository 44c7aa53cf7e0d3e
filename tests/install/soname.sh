source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

library=$LD_LIBRARY_PATH/libfirn.so
soname=$(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')
echo "SONAME $soname"
[[ $soname == libfirn.so.${FIRN_VERSION%%.*} ]]

# Only namespace firn is seen from outside; what stands inside templates of the standard library or
# Abseil is theirs to merge.
stray=$(nm --dynamic --defined-only --demangle "$library" | awk '$2 ~ /[TDBR]/' |
  grep -vE ' (vtable for |typeinfo (name )?for |guard variable for )?firn::' || true)
[[ -z $stray ]] || { echo "exported, but not ours:"; echo "$stray"; exit 1; }
