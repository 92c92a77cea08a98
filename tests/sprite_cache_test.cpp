// ctest labels: threads
#include "experiments/sprite_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>

#include "kernels/error.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow {
namespace {

using test::get;
using test::put;
using test::ScratchFolder;
using test::thrown;

SpriteSettings small(std::uint64_t seed = 1) {
  SpriteSettings settings;
  settings.seed = seed;
  settings.samples = 30;
  settings.size = 16;
  return settings;
}

// Header, factors, pictures, checksum.
constexpr std::uint64_t small_file = 4096 + 30 * 4 * 8 + 30 * 16 * 16 * 3 + 4;

void expect_equal(const ImageSet& a, const ImageSet& b) {
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.channels, b.channels);
  EXPECT_EQ(a.factor_names, b.factor_names);
  EXPECT_EQ(a.factors, b.factors);
  EXPECT_TRUE(std::equal(a.image(0), a.image(a.samples), b.image(0), b.image(b.samples)));
}

/// cached_sprites, and what it logs.
struct Logged {
  ImageSet set;
  std::string log;
};
Logged cached(const SpriteSettings& settings, const std::filesystem::path& folder) {
  ::testing::internal::CaptureStderr();
  ImageSet set;
  EXPECT_NO_THROW(set = cached_sprites(settings, folder, 2));
  return {set, ::testing::internal::GetCapturedStderr()};
}

TEST(SpriteCache, RendersOnce) {
  const ScratchFolder scratch;
  const auto folder = scratch / "a/b";
  const ImageSet fresh = render_sprites(small(), 1);
  const Logged first = cached(small(), folder);
  expect_equal(first.set, fresh);
  EXPECT_EQ(first.log, "");
  const auto file = cache_file(small(), folder);
  EXPECT_EQ(file.parent_path(), folder);
  EXPECT_TRUE(file.filename().string().starts_with("sprites-triangle-30x16-")) << file;
  EXPECT_EQ(std::filesystem::file_size(file), small_file);
  const auto written = std::filesystem::last_write_time(file);
  // No room is needed for what is there.
  expect_equal(cached_sprites(small(), folder, 1, [](const auto&) { return std::uint64_t{0}; }), fresh);
  EXPECT_EQ(std::filesystem::last_write_time(file), written);
}

TEST(SpriteCache, SetOutlivesItsFile) {
  const ScratchFolder folder;
  const ImageSet set = cached_sprites(small(), folder.path(), 1);
  std::filesystem::remove(cache_file(small(), folder.path()));
  expect_equal(set, render_sprites(small(), 1));
}

TEST(SpriteCache, EverySettingHasAFileOfItsOwn) {
  const ScratchFolder folder;
  std::vector<SpriteSettings> all(7, small());
  all[1].seed = 2;
  all[2].samples = 31;
  all[3].size = 32;
  all[4].shape = SpriteShape::square;
  all[5].angle = true;
  all[6].distortion = Distortion::affine;
  for (const SpriteSettings& settings : all) {
    expect_equal(cached(settings, folder.path()).set, render_sprites(settings, 1));
  }
  EXPECT_EQ(folder.entries(), all.size() + 1) << "and the lock";
}

TEST(SpriteCache, WhatIsNotRightIsNamedAndRenderedAgain) {
  const ScratchFolder folder;
  cached_sprites(small(), folder.path(), 1);
  cached_sprites(small(2), folder.path(), 1);
  const auto file = cache_file(small(), folder.path());
  const std::string good = get(file), foreign = get(cache_file(small(2), folder.path()));
  const auto flipped = [&](std::size_t at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    return bytes;
  };
  const std::string other = "expected a file of these settings, found one of others or of another kind";
  const std::string checksum = "expected the checksum ";
  const std::string size = "expected " + std::to_string(small_file) + " bytes, found ";
  const std::pair<std::string, std::string> cases[] = {
      {"", other},
      {"hello", other},
      {foreign, other},
      {flipped(20), other},
      {flipped(4000), other},
      {flipped(4096), checksum},
      {flipped(good.size() / 2), checksum},
      {flipped(good.size() - 1), checksum},
      {good.substr(0, 4096), size + "4096"},
      {good.substr(0, good.size() - 1), size + std::to_string(small_file - 1)},
      {good + "x", size + std::to_string(small_file + 1)}};
  for (const auto& [bytes, flaw] : cases) {
    put(file, bytes);
    const Logged again = cached(small(), folder.path());
    expect_equal(again.set, render_sprites(small(), 1));
    EXPECT_NE(again.log.find("warning: [--cache] '" + file.string() + "': " + flaw), again.log.npos)
        << again.log;
    EXPECT_NE(again.log.find("; it is rendered again\n"), again.log.npos) << again.log;
    EXPECT_EQ(std::count(again.log.begin(), again.log.end(), '\n'), 1);
    EXPECT_EQ(get(file), good);
  }
}

TEST(SpriteCache, ADiskThatIsTooSmallIsSaidBeforeAnythingIsWritten) {
  const ScratchFolder folder;
  const auto free_space = [&](const std::filesystem::path& asked) {
    EXPECT_EQ(asked, folder.path());
    return small_file - 1;
  };
  EXPECT_EQ(
      thrown<DataError>([&] { cached_sprites(small(), folder.path(), 1, free_space); }),
      "[--cache] '" + folder.path().string() +
          "': expected 28100 bytes of free space for 30 pictures, found 28099; free some, choose another "
          "--cache or fewer samples");
  EXPECT_EQ(folder.entries(), 1u) << "the lock";
  expect_equal(cached_sprites(small(), folder.path(), 1, [](const auto&) { return small_file; }),
               render_sprites(small(), 1));
  EXPECT_GT(free_bytes(folder.path()), 0u);
  EXPECT_EQ(thrown<DataError>([&] { free_bytes(folder / "missing"); }),
            "[--cache] '" + (folder / "missing").string() +
                "': asking for the free space failed: No such file or directory; choose another --cache");
}

TEST(SpriteCache, FoldersThatCannotBe) {
  const ScratchFolder folder;
  put(folder / "file", "");
  EXPECT_EQ(thrown<DataError>([&] { cached_sprites(small(), folder / "file", 1); }),
            "[--cache] '" + cache_file(small(), folder / "file").string() +
                "': open failed: Not a directory; remove the file or choose another --cache");
  const auto file = cache_file(small(), folder.path());
  std::filesystem::create_directory(file);
  EXPECT_EQ(thrown<DataError>([&] { cached_sprites(small(), folder.path(), 1); }),
            "[--cache] '" + file.string() +
                "': open failed: Is a directory; remove the file or choose another --cache");
  std::filesystem::remove(file);
  std::filesystem::create_directory(folder / ".lock");
  EXPECT_EQ(thrown<DataError>([&] { cached_sprites(small(), folder.path(), 1); }),
            "[--cache] '" + (folder / ".lock").string() +
                "': locking failed: Is a directory; choose a --cache that you may write to");
}

TEST(SpriteCache, WhatAKilledWriterLeftGoes) {
  const ScratchFolder folder;
  put(folder / ".elbow-1-0.tmp", "half");
  cached_sprites(small(), folder.path(), 1);
  EXPECT_FALSE(std::filesystem::exists(folder / ".elbow-1-0.tmp"));
}

TEST(SpriteCache, WritersWaitForEachOther) {
  const ScratchFolder folder;
  const int lock = ::open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  ::testing::internal::CaptureStderr();
  std::vector<std::future<ImageSet>> sets;
  for (int i = 0; i < 3; ++i) {
    sets.push_back(std::async(std::launch::async, [&] { return cached_sprites(small(), folder.path(), 1); }));
  }
  EXPECT_EQ(sets[0].wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  ::close(lock);
  for (std::future<ImageSet>& set : sets) expect_equal(set.get(), render_sprites(small(), 1));
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("waiting for a process that renders into '" + folder.path().string() + "'"), log.npos);
  EXPECT_EQ(folder.entries(), 2u);
}

/// Sets a variable, or removes it, until the end.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    const char* const before = std::getenv(name);
    was_set_ = before != nullptr;
    if (was_set_) before_ = before;
    change(value);
  }
  ~Environment() { change(was_set_ ? before_.c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void change(const char* value) {
    if (value == nullptr) ::unsetenv(name_);
    if (value != nullptr) ::setenv(name_, value, 1);
  }
  const char* name_;
  std::string before_;
  bool was_set_;
};

TEST(SpriteCache, DefaultFolder) {
  const Environment home("HOME", "/home/somebody");
  {
    const Environment cache("XDG_CACHE_HOME", "/big/cache");
    EXPECT_EQ(default_cache_folder(), "/big/cache/elbow");
  }
  {
    const Environment cache("XDG_CACHE_HOME", "relative");
    EXPECT_EQ(default_cache_folder(), "/home/somebody/.cache/elbow");
  }
  const Environment cache("XDG_CACHE_HOME", nullptr), no_home("HOME", nullptr);
  EXPECT_EQ(thrown<UsageError>([] { default_cache_folder(); }),
            "[--cache] neither XDG_CACHE_HOME nor HOME is an absolute path; give a folder by --cache");
}

}  // namespace
}  // namespace elbow
