// ctest labels: threads
#include "engine/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "kernels/error.h"
#include "tests/scratch_folder.h"
#include "tests/system_calls.h"
#include "tests/thrown.h"

namespace elbow {
namespace {

using test::get;
using test::put;
using test::ScratchFolder;
using test::thrown;

TEST(Files, RoundTrip) {
  const ScratchFolder folder;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * 7);
  for (const std::string& content :
       {std::string(), std::string("one line\n"), std::string("\0\xff\n", 3), bytes}) {
    write_atomically(folder / "file", content);
    EXPECT_EQ(get(folder / "file"), content);
    EXPECT_EQ(read_file(folder / "file", content.size()), content);
    EXPECT_EQ(folder.entries(), 1u);
  }
}

TEST(Files, PathWithoutFolder) {
  const ScratchFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_atomically("file", "content");
  std::filesystem::current_path(before);
  EXPECT_EQ(get(folder / "file"), "content");
}

TEST(Files, KeepsOldContentUnderAnotherName) {
  const ScratchFolder folder;
  for (const char* content : {"one", "two", "three"}) {
    write_atomically(folder / "file", content, folder / "file.previous");
  }
  EXPECT_EQ(get(folder / "file"), "three");
  EXPECT_EQ(get(folder / "file.previous"), "two");
  EXPECT_EQ(folder.entries(), 2u);
}

TEST(Files, InParts) {
  const ScratchFolder folder;
  write_parts_atomically(folder / "file", "--cache", [](const Append& append) {
    append("one");
    append("");
    append("two");
  });
  EXPECT_EQ(get(folder / "file"), "onetwo");
  const auto interrupted = [&] {
    write_parts_atomically(folder / "file", "--cache", [](const Append& append) {
      append("half");
      throw DataError("no more");
    });
  };
  EXPECT_EQ(thrown<DataError>(interrupted), "no more");
  EXPECT_EQ(get(folder / "file"), "onetwo");
  EXPECT_EQ(folder.entries(), 1u);
  EXPECT_EQ(
      thrown<DataError>([&] { write_parts_atomically(folder / "x/y", "--cache", [](const Append&) {}); }),
      "[write] '" + (folder / "x/y").string() + "': open failed: No such file or directory; " +
          "create the folder '" + (folder / "x").string() + "' first or choose another --cache");
}

TEST(Files, RefusesWhatCannotBeWritten) {
  const ScratchFolder folder;
  put(folder / "plain", "old");
  std::filesystem::create_directory(folder / "sub");
  const std::string root = folder.path().string();
  const auto write_to = [&](const std::string& name) {
    return thrown<DataError>([&] { write_atomically(root + "/" + name, "new"); });
  };
  EXPECT_EQ(write_to("missing/file"),
            "[write] '" + root + "/missing/file': open failed: No such file or directory; " +
                "create the folder '" + root + "/missing' first or choose another --out");
  EXPECT_EQ(write_to("plain/file"), "[write] '" + root + "/plain/file': open failed: Not a directory; " +
                                        "a part of the path is a file: choose another --out");
  EXPECT_EQ(write_to("sub"), "[write] '" + root + "/sub': rename failed: Is a directory; " +
                                 "a folder has that name: remove it or choose another --out");
  EXPECT_EQ(write_to("sub/"), "[write] '" + root + "/sub/': open failed: Is a directory; " +
                                  "a folder has that name: remove it or choose another --out");
  const std::string long_name(300, 'x');
  EXPECT_EQ(write_to(long_name), "[write] '" + root + "/" + long_name +
                                     "': rename failed: File name too long; " + "choose a shorter --out");
  EXPECT_EQ(get(folder / "plain"), "old");
  EXPECT_EQ(folder.entries(), 2u);
}

TEST(Files, FullDiskLeavesOldContent) {
  const ScratchFolder folder;
  put(folder / "file", "old");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string message =
      thrown<DataError>([&] { write_atomically(folder / "file", std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, "[write] '" + (folder / "file").string() + "': write failed: File too large; " +
                         "no space left: free some or choose another --out");
  EXPECT_EQ(get(folder / "file"), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(Files, OrderOfCalls) {
  const ScratchFolder folder;
  std::vector<SystemCall::Kind> kinds;
  {
    const SystemCalls calls;
    write_atomically(folder / "file", "content");
    for (const SystemCall& call : calls.calls()) kinds.push_back(call.kind);
  }
  using Kind = SystemCall::Kind;
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::create, Kind::write, Kind::fsync, Kind::close, Kind::rename,
                                      Kind::open_folder, Kind::fsync, Kind::close}));
}

/// Each call fails once, with each of these reasons.
TEST(Files, EveryFailingCallIsReported) {
  const std::string mend = "no space left: free some or choose another --out";
  const std::pair<int, std::string> reasons[] = {{ENOSPC, mend},
                                                 {EDQUOT, mend},
                                                 {EROFS, "choose another --out that you may write to"},
                                                 {EIO, "choose another --out or mend the disk"}};
  constexpr std::size_t first_call_after_the_rename = 6;
  std::size_t failures = 0;
  for (std::size_t failing = 0; failing < 9; ++failing) {
    for (const auto& [error, advice] : reasons) {
      const ScratchFolder folder;
      put(folder / "file", "old");
      std::string message;
      {
        SystemCalls calls;
        calls.fail(failing, error);
        message = thrown<DataError>([&] { write_atomically(folder / "file", "new", folder / "previous"); });
      }
      SCOPED_TRACE("call " + std::to_string(failing) + ", " + std::strerror(error));
      EXPECT_NE(message.find(folder.path().string()), std::string::npos) << message;
      EXPECT_NE(message.find(std::strerror(error)), std::string::npos) << message;
      EXPECT_NE(message.find(advice), std::string::npos) << message;
      const bool is_in_place = failing >= first_call_after_the_rename;
      EXPECT_EQ(get(folder / "file"), is_in_place ? "new" : "old");
      EXPECT_EQ(folder.entries(), is_in_place ? 2u : 1u);
      write_atomically(folder / "file", "newer");
      EXPECT_EQ(get(folder / "file"), "newer");
      ++failures;
    }
  }
  EXPECT_EQ(failures, 36u);
  const ScratchFolder folder;
  put(folder / "file", "old");
  SystemCalls calls;
  calls.fail(9, EIO);
  write_atomically(folder / "file", "new", folder / "previous");
  EXPECT_EQ(calls.calls().size(), 9u) << "every call was made to fail above";
}

TEST(Files, InterruptedAndShortWritesGoOn) {
  const std::string content = "a content of some length";
  for (const std::size_t interrupted : {0u, 1u, 3u}) {
    const ScratchFolder folder;
    SystemCalls calls;
    calls.limit_writes(5);
    calls.fail(interrupted, EINTR);
    write_atomically(folder / "file", content);
    EXPECT_EQ(get(folder / "file"), content);
    EXPECT_EQ(folder.entries(), 1u);
  }
}

TEST(Files, TemporaryNameThatIsTaken) {
  const ScratchFolder folder;
  SystemCalls calls;
  calls.fail(0, EEXIST);
  write_atomically(folder / "file", "content");
  EXPECT_EQ(get(folder / "file"), "content");
  EXPECT_NE(calls.calls()[0].path, calls.calls()[1].path);
}

TEST(Files, FileSystemWithoutFsyncOfFolders) {
  const ScratchFolder folder;
  SystemCalls calls;
  calls.fail(6, EINVAL);
  write_atomically(folder / "file", "content");
  EXPECT_EQ(calls.calls()[6].kind, SystemCall::Kind::fsync);
  EXPECT_EQ(get(folder / "file"), "content");
}

TEST(Files, WritersSideBySide) {
  const ScratchFolder folder;
  constexpr int writers = 4;
  constexpr std::size_t size = 10'000;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < 20; ++i) {
        write_atomically(folder / "file", std::string(size, static_cast<char>('a' + writer)));
        const std::string seen = read_file(folder / "file", size);
        EXPECT_EQ(seen, std::string(size, seen[0]));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(Files, RefusesWhatCannotBeRead) {
  const ScratchFolder folder;
  put(folder / "file", "12345");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const std::string root = folder.path().string();
  const auto read_from = [&](const std::string& name, std::size_t limit) {
    return thrown<DataError>([&] { read_file(root + "/" + name, limit); });
  };
  EXPECT_EQ(read_from("missing", 9), "[read] '" + root + "/missing': No such file or directory");
  EXPECT_EQ(read_from("file", 4), "[read] '" + root + "/file': expected at most 4 bytes, found 5");
  EXPECT_EQ(read_from("", 9), "[read] '" + root + "/': expected a file, found a folder, pipe or device");
  EXPECT_EQ(read_from("pipe", 9),
            "[read] '" + root + "/pipe': expected a file, found a folder, pipe or device");
  EXPECT_EQ(thrown<DataError>([] { read_file("/dev/zero", 9); }),
            "[read] '/dev/zero': expected a file, found a folder, pipe or device");
}

TEST(Files, FileThatIsNotAsLongAsItSaid) {
  // Files of /proc tell a size of 0.
  EXPECT_EQ(thrown<DataError>([] { read_file("/proc/self/status", 1 << 20); }),
            "[read] '/proc/self/status': the file changed while it was read; try again");
}

TEST(Files, RemovesTemporaries) {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder / "sub");
  put(folder / ".elbow-1-0.tmp", "half");
  put(folder / "sub/.elbow-77-3.tmp", "half");
  put(folder / "sub/result.tmp", "whole");
  put(folder / ".elbow", "whole");
  remove_temporaries(folder.path());
  EXPECT_EQ(folder.entries(), 2u);
  EXPECT_EQ(get(folder / "sub/result.tmp"), "whole");
  EXPECT_FALSE(std::filesystem::exists(folder / "sub/.elbow-77-3.tmp"));
  EXPECT_NE(thrown<DataError>([&] { remove_temporaries(folder / "missing"); }).find("/missing'"),
            std::string::npos);
}

TEST(Files, TextFromOutsideIsShownSafely) {
  EXPECT_EQ(in_quotes("a\n\x1b[1m\x7f"), "'a\\x0a\\x1b[1m\\x7f'");
  EXPECT_EQ(in_quotes("abcdef", 3), "'abc...'");
  EXPECT_EQ(in_quotes(""), "''");
  EXPECT_EQ(in_quotes("γ² € 𝛾"), "'γ² € 𝛾'");
  EXPECT_EQ(in_quotes("γγγ", 3), "'γγ...'");
  const std::pair<const char*, const char*> not_utf8[] = {{"\xff", "'\\xff'"},
                                                          {"\xce", "'\\xce'"},
                                                          {"\xcex", "'\\xcex'"},
                                                          {"\xc0\xaf", "'\\xc0\\xaf'"},
                                                          {"\xc2\x9b", "'\\xc2\\x9b'"},
                                                          {"\xe0\x80\x80", "'\\xe0\\x80\\x80'"},
                                                          {"\xed\xa0\x80", "'\\xed\\xa0\\x80'"},
                                                          {"\xf4\x90\x80\x80", "'\\xf4\\x90\\x80\\x80'"}};
  for (const auto& [text, shown] : not_utf8) EXPECT_EQ(in_quotes(text), shown);
}

}  // namespace
}  // namespace elbow
