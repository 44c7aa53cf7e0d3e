source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The program finds its library without being told, also in a tree that has moved.
unset LD_LIBRARY_PATH
cp -a "$prefix" "$work/moved"
firn=$(find "$work/moved" -type f -name firn -perm -u+x)
[[ $("$firn" --version) == "$FIRN_VERSION" ]]
"$firn" put "$work/data" foo 1
[[ $("$firn" get "$work/data" foo) == 1 ]]
