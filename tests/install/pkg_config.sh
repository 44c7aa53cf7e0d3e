source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $(pkg-config --modversion firn) == "$FIRN_VERSION" ]]
build_and_run "$source_dir/tests/install/consumer.cc"

# A tree that has moved still works.
cp -a "$prefix" "$work/moved"
PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name firn.pc)")
[[ $(pkg-config --cflags --libs firn) != *"$prefix"* ]]
build_and_run "$source_dir/tests/install/consumer.cc"
