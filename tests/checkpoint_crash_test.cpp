// Whatever happens during a save, a state that was saved can be loaded.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <new>
#include <random>
#include <thread>

#include "engine/checkpoint.h"
#include "engine/files.h"
#include "kernels/error.h"
#include "tests/checkpoint_cases.h"
#include "tests/scratch_folder.h"
#include "tests/system_calls.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

/// Each call fails once, or for ever from there on, while there are two older checkpoints.
TEST(CheckpointCrash, EveryFailingCallLeavesACheckpoint) {
  std::size_t calls_of_a_save = 0;
  for (std::size_t failing = 0; failing <= calls_of_a_save; ++failing) {
    for (const int error : {ENOSPC, EIO}) {
      for (const bool for_ever : {false, true}) {
        const ScratchFolder folder;
        save_checkpoint(folder / "run", state(1));
        save_checkpoint(folder / "run", state(2));
        std::string message;
        {
          SystemCalls calls;
          calls.fail(failing, error, for_ever);
          message = thrown<DataError>([&] { save_checkpoint(folder / "run", state(3)); });
          if (message == "nothing was thrown") {
            EXPECT_EQ(failing, calls.calls().size());
            EXPECT_EQ(failing, calls_of_a_save);
          } else {
            calls_of_a_save = failing + 1;
          }
        }
        SCOPED_TRACE("call " + std::to_string(failing) + ", " + std::strerror(error) + ": " + message);
        const std::int64_t step = loaded_step(folder / "run");
        EXPECT_TRUE(step == 2 || step == 3) << step;
        EXPECT_LE(folder.entries(), 2u);
        save_checkpoint(folder / "run", state(4));
        EXPECT_EQ(loaded_step(folder / "run"), 4);
      }
    }
  }
  EXPECT_EQ(calls_of_a_save, 9u);
}

/// What a folder can look like after a power loss: names changed since the last fsync of the folder may be
/// new or old, bytes written since the last fsync of their file may be there, in part or not at all.
class CrashedFolder {
 public:
  /// The first `count` calls happened; `applied` says which of the changes of names reached the disk.
  CrashedFolder(const std::vector<SystemCall>& calls, std::size_t count) {
    std::map<int, std::size_t> open_files;
    for (std::size_t i = 0; i < count; ++i) {
      const SystemCall& call = calls[i];
      switch (call.kind) {
        case SystemCall::Kind::create:
          open_files[call.descriptor] = contents_.size();
          contents_.emplace_back();
          changes_.push_back({"", call.path, contents_.size() - 1});
          break;
        case SystemCall::Kind::write:
          contents_[open_files.at(call.descriptor)].written += call.data;
          break;
        case SystemCall::Kind::fsync:
          if (open_files.contains(call.descriptor)) {
            Content& content = contents_[open_files[call.descriptor]];
            content.durable = content.written.size();
          } else {
            while (!changes_.empty()) apply_first_change();
          }
          break;
        case SystemCall::Kind::close:
          open_files.erase(call.descriptor);
          break;
        case SystemCall::Kind::rename:
          changes_.push_back({call.path, call.to, 0});
          break;
        case SystemCall::Kind::open_folder:
          break;
      }
    }
  }

  std::size_t pending_changes() const { return changes_.size(); }

  /// Makes the folder: bit i of `reached` says whether pending change i reached the disk; of the bytes
  /// without fsync there are `share` halves.
  void materialise(unsigned reached, std::size_t share, const std::filesystem::path& folder) {
    for (std::size_t i = 0; !changes_.empty(); ++i) {
      if ((reached >> i & 1) != 0) {
        apply_first_change();
      } else {
        changes_.erase(changes_.begin());
      }
    }
    for (const auto& [name, index] : names_) {
      const Content& content = contents_[index];
      const std::size_t lost = (content.written.size() - content.durable) * (2 - share) / 2;
      put(folder / std::filesystem::path(name).filename(),
          std::string_view(content.written).substr(0, content.written.size() - lost));
    }
  }

 private:
  struct Content {
    std::string written;
    std::size_t durable = 0;
  };
  struct Change {
    std::string from;  // empty: a new file
    std::string to;
    std::size_t content;
  };

  void apply_first_change() {
    const Change change = changes_.front();
    changes_.erase(changes_.begin());
    if (change.from.empty()) {
      names_[change.to] = change.content;
    } else if (const auto found = names_.find(change.from); found != names_.end()) {
      const std::size_t content = found->second;
      names_.erase(found);
      names_[change.to] = content;
    }
  }

  std::vector<Content> contents_;
  std::map<std::string, std::size_t> names_;  // on the disk
  std::vector<Change> changes_;               // not yet on the disk for certain
};

TEST(CheckpointCrash, EveryPowerLossLeavesACheckpoint) {
  constexpr int saves = 4;
  std::vector<SystemCall> calls;
  std::vector<std::size_t> calls_after;  // each save
  {
    const ScratchFolder folder;
    SystemCalls recorder;
    recorder.limit_writes(1500);
    for (int step = 1; step <= saves; ++step) {
      save_checkpoint(folder / "run", state(step));
      calls_after.push_back(recorder.calls().size());
    }
    calls = recorder.calls();
  }
  std::size_t states = 0;
  for (std::size_t count = calls_after[0]; count <= calls.size(); ++count) {
    const std::int64_t last_returned =
        std::upper_bound(calls_after.begin(), calls_after.end(), count) - calls_after.begin();
    const std::size_t pending = CrashedFolder(calls, count).pending_changes();
    for (unsigned reached = 0; reached < 1u << pending; ++reached) {
      for (const std::size_t share : {0u, 1u, 2u}) {
        const ScratchFolder folder;
        CrashedFolder(calls, count).materialise(reached, share, folder.path());
        SCOPED_TRACE("after call " + std::to_string(count) + ", changes " + std::to_string(reached));
        const std::int64_t step = loaded_step(folder / "run");
        const bool in_the_middle = count > calls_after[static_cast<std::size_t>(last_returned) - 1];
        EXPECT_GE(step, last_returned);
        EXPECT_LE(step, last_returned + (in_the_middle ? 1 : 0));
        ++states;
      }
    }
  }
  EXPECT_GT(states, 150u);
}

/// What a child process has certainly saved, seen by its parent even after a SIGKILL.
class SharedStep {
 public:
  SharedStep() {
    void* memory = ::mmap(nullptr, sizeof(std::atomic<std::int64_t>), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap failed");
    step_ = new (memory) std::atomic<std::int64_t>(0);
  }
  ~SharedStep() { ::munmap(step_, sizeof(*step_)); }
  SharedStep(const SharedStep&) = delete;
  SharedStep& operator=(const SharedStep&) = delete;
  std::atomic<std::int64_t>& operator*() { return *step_; }

 private:
  std::atomic<std::int64_t>* step_;
};

/// noexcept: the child must not come back into the test when it fails.
[[noreturn]] void save_until_killed(const std::filesystem::path& path,
                                    std::atomic<std::int64_t>& saved) noexcept {
  std::int64_t step = checkpoint_exists(path) ? loaded_step(path) : 0;
  for (;;) {
    save_checkpoint(path, state(++step));
    saved = step;
  }
}

/// A training that is killed again and again: nothing that was saved is lost, and nothing half saved is
/// loaded.
TEST(CheckpointCrash, SurvivesTwoHundredKills) {
  const ScratchFolder folder;
  const std::filesystem::path path = folder / "run";
  SharedStep saved;
  std::mt19937_64 random(1);
  std::int64_t first_step = 0;
  for (int kill = 0; kill < 200; ++kill) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_until_killed(path, *saved);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 15'000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended by itself";
    if (!checkpoint_exists(path)) {
      ASSERT_EQ(*saved, 0);
      continue;
    }
    const std::int64_t step = loaded_step(path);
    ASSERT_FALSE(HasFailure()) << "kill " << kill;
    ASSERT_GE(step, *saved);
    ASSERT_LE(step, *saved + 1);
    *saved = step;
    if (first_step == 0) first_step = step;
  }
  EXPECT_GT(*saved, first_step) << "the children saved nothing";
  remove_temporaries(folder.path());
  EXPECT_LE(folder.entries(), 2u);
}

}  // namespace
}  // namespace elbow::test
