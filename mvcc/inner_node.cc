#include "mvcc/inner_node.h"

#include <new>

#include "mvcc/check.h"

namespace firn::internal {

InnerNode* InnerNode::Create(SpanAllocator& allocator, uint32_t level,
                             std::span<const ChildRef> children) {
  FIRN_INVARIANT(!children.empty());
  const auto count = static_cast<uint32_t>(children.size());
  const uint32_t separators = count - 1;
  size_t separator_bytes = 0;
  for (const ChildRef& child : children.subspan(1)) separator_bytes += child.separator.size();
  // A child and its hint in one cache line.
  const size_t children_at = (sizeof(InnerNode) + sizeof(uint32_t) * separators + 15) / 16 * 16;
  const size_t bytes_at = children_at + sizeof(Child) * count + sizeof(uint32_t) * separators;

  const SpanAllocator::Block memory = allocator.Allocate(bytes_at + separator_bytes);
  auto* node = new (memory.data) InnerNode(level, count);
  node->retired.bytes = memory.bytes;
  node->children_at_ = static_cast<uint32_t>(children_at);
  node->bytes_at_ = static_cast<uint32_t>(bytes_at);
  if (separators > 0) {
    node->prefix_size_ =
        static_cast<uint32_t>(CommonPrefixSize(children[1].separator, children.back().separator));
    node->prefix_head_ = CommonPrefix::HeadFor(children[1].separator.substr(0, node->prefix_size_));
  }
  auto* heads = reinterpret_cast<uint32_t*>(node + 1);
  auto* ends = reinterpret_cast<uint32_t*>(node->children() + count);
  char* bytes = reinterpret_cast<char*>(node) + bytes_at;
  uint32_t end = 0;
  for (uint32_t i = 0; i < count; ++i) {
    new (node->children() + i) Child{children[i].node, children[i].hint};
    if (i == 0) continue;
    const std::string_view separator = children[i].separator;
    heads[i - 1] = HeadOf<uint32_t>(separator.data() + node->prefix_size_,
                                    separator.size() - node->prefix_size_);
    separator.copy(bytes + end, separator.size());
    end += static_cast<uint32_t>(separator.size());
    ends[i - 1] = end;
  }
  return node;
}

}  // namespace firn::internal
