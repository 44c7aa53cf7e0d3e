// Runs the commands of a datadriven scenario against a small Db.
#ifndef FIRN_TESTS_SUPPORT_SCENARIO_RUNNER_H_
#define FIRN_TESTS_SUPPORT_SCENARIO_RUNNER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/db.h"
#include "tests/support/checking_cursor.h"
#include "tests/support/manual_clock.h"

namespace firn::test {

// A ScenarioRunner holds one Db, and snapshots and iterators by name. Each command is a
// line and answers at most a line:
//
//   options block_entries=2 background=inline    a new Db; without it: the smallest sizes
//   clock now=1000                               the clock stands at 0 until told
//   commit ts=3 put a=1, del b, delrange c..e, delrange f..    one batch; no ts: prints it
//   clear ts=4
//   swap key=a value=2 | load-or-store key= value= | load-and-delete key=
//   cas key=a expect=1|none value=2 | cad key=a expect=1|none     each takes ts= too
//   get a b [snapshot=s]
//   snapshot name=s | clone snapshot=s name=t | release name=s
//   iterator name=i [snapshot=s] BOUNDS          BOUNDS: lower= upper= prefix=
//   close-iterator name=i | clone-iterator name=i as=j     lower-exclusive upper-inclusive
//   iterate [name=i|snapshot=s|at=3] BOUNDS MOVE...        keys-only
//                                                MOVE: seek= seek-for-prev= first last next
//   scan [snapshot=s|at=3] BOUNDS                prev refresh read-ts
//   settle | step | verify | close
//   stats versions keys snapshots owing...
//   price snapshot=s
//
// Each MOVE answers where the iterator stands: an entry, "-" for nowhere, or "!" and the
// kind of its error. `with-ts` adds each entry's commit timestamp. `at=3` reads a held
// snapshot with that timestamp, or a fresh one if nothing was committed since.
// "" is the empty string, \xNN any byte, and x*40 forty of them.
class ScenarioRunner {
 public:
  ScenarioRunner();
  ~ScenarioRunner();

  // The command's answer, with the line's end; empty if it has none. Throws
  // std::runtime_error on a command that makes no sense.
  std::string Run(const std::string& line);

 private:
  class Arguments;

  std::string Options(Arguments& arguments);
  std::string Commit(Arguments& arguments, const std::string& line);
  std::string ConditionalVerb(const std::string& verb, Arguments& arguments);
  std::string Get(Arguments& arguments);
  std::string Iterate(Arguments& arguments);
  std::string Scan(Arguments& arguments);
  std::string Stats(Arguments& arguments);
  std::string Price(Arguments& arguments);
  CheckingCursor OpenCursor(Arguments& arguments);
  const Snapshot& NamedSnapshot(const std::string& name) const;
  std::string Moved(const CheckingCursor& cursor, bool with_ts) const;

  ManualClock clock_;
  std::unique_ptr<Db> db_;
  std::map<std::string, Snapshot> snapshots_;
  std::map<std::string, CheckingCursor> cursors_;
};

}  // namespace firn::test

#endif  // FIRN_TESTS_SUPPORT_SCENARIO_RUNNER_H_
