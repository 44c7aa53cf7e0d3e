source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

for example in "$source_dir"/examples/*.cc; do
  build_and_run "$example"
done
