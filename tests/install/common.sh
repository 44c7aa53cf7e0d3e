# For the steps beside it: PREFIX SOURCE_DIR; builds against the installed library by pkg-config.
set -euo pipefail
prefix=$1
source_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name firn.pc)")
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name 'libfirn.*' -print -quit)")
export PKG_CONFIG_PATH LD_LIBRARY_PATH

# build_and_run SOURCE
build_and_run() {
  echo "--- $1"
  # shellcheck disable=SC2046  # A list of flags.
  "${CXX:-g++}" "$1" -o "$work/program" $(pkg-config --cflags --libs firn)
  (cd "$work" && ./program)
}
