// ctest labels: threads
// Threads that share a task's pieces.
#include "engine/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

TEST(Workers, DoEachPieceOnce) {
  for (const int threads : {1, 2, 5}) {
    Workers workers(threads);
    EXPECT_EQ(workers.threads(), threads);
    for (const Index count : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(count));
      workers.run(count, [&](Index i) { ++done[i]; });
      for (const auto& times : done) EXPECT_EQ(times, 1);
    }
  }
}

TEST(Workers, ThrowWhatTheFirstPieceHasThrown) {
  for (const int threads : {1, 3}) {
    Workers workers(threads);
    std::atomic<int> done = 0;
    const auto failing = [&](Index i) {
      ++done;
      if (i == 4 || i == 7) throw UsageError("piece " + std::to_string(i));
    };
    EXPECT_EQ(thrown<UsageError>([&] { workers.run(10, failing); }), "piece 4");
    EXPECT_EQ(done, 10) << "the others are done all the same";
    workers.run(3, [&](Index) { ++done; });
    EXPECT_EQ(done, 13) << "and the next task is not held back";
  }
}

}  // namespace
}  // namespace elbow::test
