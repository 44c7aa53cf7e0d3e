// Runs the shipped templates of mvcc/ under Relacy, and shows that each memory order counts.
//
// Every program here runs its protocol as it ships, which must pass, and again with something
// taken away, which must be seen to fail: the orders of one field, or a step of the protocol. A
// weakened run that passes means that the model does not test that order, and the program fails.
#ifndef FIRN_TESTS_MODELS_RELACY_ATOMICS_H_
#define FIRN_TESTS_MODELS_RELACY_ATOMICS_H_

// Simulated threads are no threads: the hooks of invariant builds would mislead.
#undef FIRN_INVARIANTS

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <ostream>
#include <source_location>
#include <streambuf>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "mvcc/atomics_policy.h"
#include "mvcc/edit_count.h"
#include "mvcc/epoch.h"
#include "mvcc/hazard.h"
#include "mvcc/leaf_pointer.h"
#include "mvcc/slot_pool.h"
#include "mvcc/snapshot_registry.h"
#include "mvcc/timestamp_oracle.h"
#include "mvcc/version_chain.h"

// Last: it redefines parts of the language, which are put right again below.
#include <relacy/relacy.hpp>

#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno

// Relacy replaces these by inline functions, which may vanish into their callers; the standard
// library must find the same ones, or memory goes back where it did not come from.
[[gnu::used]] inline void* (*const relacy_new)(size_t) = &::operator new;
[[gnu::used]] inline void (*const relacy_delete)(void*) = &::operator delete;
void operator delete(void* memory, size_t) noexcept { ::operator delete(memory); }

namespace firn::internal {

enum class Demote {
  kToRelaxed,  // Every order.
  kToAcqRel,   // seq_cst, to acquire and release.
};

// The atomics policy of the models. Every access is a place where threads may switch, and a load
// may find any value that the C++ memory model allows. The orders on one field can be weakened.
template <Field kWeakened = Field::kNone, Demote kDemote = Demote::kToRelaxed>
struct RelacyAtomics {
  template <class T, Field kField>
  class Atomic {
   public:
    Atomic() : Atomic(T()) {}
    Atomic(T value) : atomic_(In(value)) {}  // Implicit, as std::atomic's.
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    T load(std::memory_order order,
           std::source_location at = std::source_location::current()) const {
      return Out(atomic_.load(Order(order, rl::mo_acquire), Info(at)));
    }
    void store(T value, std::memory_order order,
               std::source_location at = std::source_location::current()) {
      atomic_.store(In(value), Order(order, rl::mo_release), Info(at));
    }
    T exchange(T value, std::memory_order order,
               std::source_location at = std::source_location::current()) {
      return Out(atomic_.exchange(In(value), Order(order, rl::mo_acq_rel), Info(at)));
    }
    T fetch_add(T value, std::memory_order order,
                std::source_location at = std::source_location::current()) {
      return atomic_.fetch_add(value, Order(order, rl::mo_acq_rel), Info(at));
    }
    T fetch_sub(T value, std::memory_order order,
                std::source_location at = std::source_location::current()) {
      return atomic_.fetch_sub(value, Order(order, rl::mo_acq_rel), Info(at));
    }
    T fetch_or(T value, std::memory_order order,
               std::source_location at = std::source_location::current()) {
      return atomic_.fetch_or(value, Order(order, rl::mo_acq_rel), Info(at));
    }
    bool compare_exchange_weak(T& expected, T value, std::memory_order success,
                               std::memory_order failure,
                               std::source_location at = std::source_location::current()) {
      return atomic_.compare_exchange_weak(expected, value, Order(success, rl::mo_acq_rel),
                                           Info(at), Order(failure, rl::mo_acquire), Info(at));
    }
    bool compare_exchange_strong(T& expected, T value, std::memory_order success,
                                 std::memory_order failure,
                                 std::source_location at = std::source_location::current()) {
      return atomic_.compare_exchange_strong(expected, value, Order(success, rl::mo_acq_rel),
                                             Info(at), Order(failure, rl::mo_acquire), Info(at));
    }

   private:
    // Relacy cannot print a pointer to const.
    using Stored =
        std::conditional_t<std::is_pointer_v<T>,
                           std::add_pointer_t<std::remove_const_t<std::remove_pointer_t<T>>>, T>;
    static Stored In(T value) {
      if constexpr (std::is_pointer_v<T>) {
        return const_cast<Stored>(value);
      } else {
        return value;
      }
    }
    static T Out(Stored value) { return value; }

    static rl::memory_order Order(std::memory_order order, rl::memory_order without_seq_cst) {
      if (kField == kWeakened && kField != Field::kNone) {
        if (kDemote == Demote::kToRelaxed) return rl::mo_relaxed;
        if (order == std::memory_order::seq_cst) return without_seq_cst;
      }
      switch (order) {
        case std::memory_order::relaxed:
          return rl::mo_relaxed;
        case std::memory_order::consume:
          return rl::mo_consume;
        case std::memory_order::acquire:
          return rl::mo_acquire;
        case std::memory_order::release:
          return rl::mo_release;
        case std::memory_order::acq_rel:
          return rl::mo_acq_rel;
        case std::memory_order::seq_cst:
          return rl::mo_seq_cst;
      }
      return rl::mo_seq_cst;
    }
    static rl::debug_info Info(const std::source_location& at) {
      return rl::debug_info(at.function_name(), at.file_name(), at.line());
    }

    rl::atomic<Stored> atomic_;
  };

  // Simulated memory is only 16-byte aligned, and has no cache lines.
  static constexpr size_t kCacheLineBytes = 16;
  static uint32_t ThreadOrdinal() { return rl::thread_index(); }
  static uint32_t ThreadOrdinalLimit() { return 0; }
};

using Shipped = RelacyAtomics<>;
template <Field kField>
using Relaxed = RelacyAtomics<kField, Demote::kToRelaxed>;
template <Field kField>
using NoSeqCst = RelacyAtomics<kField, Demote::kToAcqRel>;

// A plain variable whose races Relacy reports.
template <class T>
class Plain {
 public:
  Plain() = default;
  T get(std::source_location at = std::source_location::current()) const {
    return const_cast<rl::var<T>&>(var_)(Info(at)).load();
  }
  void set(T value, std::source_location at = std::source_location::current()) {
    var_(Info(at)).store(value);
  }

 private:
  static rl::debug_info Info(const std::source_location& at) {
    return rl::debug_info(at.function_name(), at.file_name(), at.line());
  }
  rl::var<T> var_;
};

// Mutex and CondVar of mvcc/mutex.h, over Relacy's.
class RelacyMutex {
 public:
  void Lock() { mutex_.lock(RL_INFO); }
  void Unlock() { mutex_.unlock(RL_INFO); }

 private:
  friend class RelacyCondVar;
  rl::mutex mutex_;
};

class RelacyCondVar {
 public:
  void Wait(RelacyMutex& mutex) { condition_.wait(mutex.mutex_, RL_INFO); }
  void NotifyAll() { condition_.notify_all(RL_INFO); }

 private:
  rl::condition_variable condition_;
};

inline void Require(bool condition, std::source_location at = std::source_location::current()) {
  if (condition) return;
  rl::ctx().fail_test("requirement", rl::test_result_user_assert_failed,
                      rl::debug_info(at.function_name(), at.file_name(), at.line()));
}

// Keeps the beginning of what Relacy writes. A std::stringbuf would allocate, inside a simulation
// and outside of it, and Relacy tells these two apart.
class FixedBuffer : public std::streambuf {
 public:
  FixedBuffer() { setp(text_.data(), text_.data() + text_.size()); }
  int Size() const { return static_cast<int>(pptr() - pbase()); }
  const char* Text() const { return pbase(); }

 private:
  int_type overflow(int_type c) override { return traits_type::not_eof(c); }

  std::array<char, 1 << 16> text_;
};

// Collects the results of one program.
class ModelRun {
 public:
  explicit ModelRun(const char* protocol) { std::printf("%s\n", protocol); }

  // The protocol as it ships, or a part of it.
  template <class Model>
  void MustPass(const char* what, rl::iteration_t iterations) {
    Run<Model>(what, iterations, /*pass=*/true);
  }
  // With one order missing.
  template <class Model>
  void MustFail(const char* what, rl::iteration_t iterations) {
    Run<Model>(what, iterations, /*pass=*/false);
  }
  int ExitCode() const { return all_as_expected_ ? 0 : 1; }

 private:
  template <class Model>
  void Run(const char* what, rl::iteration_t iterations, bool pass) {
    FixedBuffer text;
    std::ostream output(&text);
    rl::test_params params;
    params.iteration_count = iterations;
    params.search_type = rl::sched_random;
    params.execution_depth_limit = 20'000;
    params.output_stream = &output;
    params.progress_stream = &output;
    const auto start = std::chrono::steady_clock::now();
    const bool passed = rl::simulate<Model>(params);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const bool as_expected = passed == pass;
    std::printf("  %s  %-44s %s after %llu runs, %.1f s%s%s\n", as_expected ? "ok " : "BAD", what,
                passed ? "passes" : "fails", static_cast<unsigned long long>(params.stop_iteration),
                seconds, passed ? "" : ": ", passed ? "" : rl::test_result_str(params.test_result));
    if (!as_expected) {
      all_as_expected_ = false;
      std::printf("%.*s\n", text.Size(), text.Text());
    }
    std::fflush(stdout);
  }

  bool all_as_expected_ = true;
};

}  // namespace firn::internal

#endif  // FIRN_TESTS_MODELS_RELACY_ATOMICS_H_
