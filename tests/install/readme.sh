source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Every ```cpp block of the README that is a whole program.
awk -v out="$work/snippet_" '
  /^```cpp$/ { block = ""; inside = 1; next }
  /^```$/ && inside { inside = 0; if (block ~ /int main/) printf "%s", block > (out (++count) ".cc") }
  inside { block = block $0 "\n" }
' "$source_dir/README.md"

for snippet in "$work"/snippet_*.cc; do
  build_and_run "$snippet"
done
