#pragma once
// Stands between this program and the system: records the calls that change files and lets chosen ones fail.
// Include it in one source file of a test program only, since it defines open, write, fsync, close and
// rename.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace elbow::test {

struct SystemCall {
  enum class Kind { create, open_folder, write, fsync, close, rename };
  Kind kind;
  int descriptor = -1;
  std::string path;  ///< create, open_folder, rename: from
  std::string to;    ///< rename
  std::string data;  ///< write
};

/// While one is alive, the calls of this program go through it.
class SystemCalls {
 public:
  SystemCalls() { active() = this; }
  ~SystemCalls() { active() = nullptr; }
  SystemCalls(const SystemCalls&) = delete;
  SystemCalls& operator=(const SystemCalls&) = delete;

  static SystemCalls*& active() {
    static SystemCalls* instance = nullptr;
    return instance;
  }

  /// Lets the call with this number (from 0) fail with `error`, once or for ever from there on.
  void fail(std::size_t call, int error, bool for_ever = false) {
    failing_call_ = call;
    error_ = error;
    for_ever_ = for_ever;
  }
  /// No write takes more than this.
  void limit_writes(std::size_t bytes) { longest_write_ = bytes; }

  const std::vector<SystemCall>& calls() const { return calls_; }

  // For the functions below.
  std::size_t longest_write() const { return longest_write_; }
  /// 0 or the error that the call shall have.
  int record(SystemCall call) {
    const std::size_t number = calls_.size();
    calls_.push_back(std::move(call));
    return number == failing_call_ || (for_ever_ && number > failing_call_) ? error_ : 0;
  }
  void set_descriptor(int descriptor) {
    calls_.back().descriptor = descriptor;
    opened_.insert(descriptor);
  }
  bool forget(int descriptor) { return opened_.erase(descriptor) > 0; }

 private:
  std::vector<SystemCall> calls_;
  std::set<int> opened_;
  std::size_t failing_call_ = static_cast<std::size_t>(-1);
  int error_ = 0;
  bool for_ever_ = false;
  std::size_t longest_write_ = static_cast<std::size_t>(-1);
};

inline int failed(int error) {
  errno = error;
  return -1;
}

}  // namespace elbow::test

using elbow::test::SystemCall;
using elbow::test::SystemCalls;

extern "C" int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  SystemCalls* const calls = SystemCalls::active();
  const bool changes_files = (flags & O_CREAT) != 0 || (flags & O_DIRECTORY) != 0;
  if (calls != nullptr && changes_files) {
    const auto kind = flags & O_CREAT ? SystemCall::Kind::create : SystemCall::Kind::open_folder;
    if (const int error = calls->record({kind, -1, path, {}, {}})) return elbow::test::failed(error);
  }
  const int descriptor = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (calls != nullptr && changes_files) calls->set_descriptor(descriptor);
  return descriptor;
}

extern "C" ssize_t write(int descriptor, const void* data, size_t size) {
  if (SystemCalls* const calls = SystemCalls::active()) {
    if (size > calls->longest_write()) size = calls->longest_write();
    const std::string content(static_cast<const char*>(data), size);
    if (const int error = calls->record({SystemCall::Kind::write, descriptor, {}, {}, content})) {
      return elbow::test::failed(error);
    }
  }
  return syscall(SYS_write, descriptor, data, size);
}

extern "C" int fsync(int descriptor) {
  if (SystemCalls* const calls = SystemCalls::active()) {
    if (const int error = calls->record({SystemCall::Kind::fsync, descriptor, {}, {}, {}})) {
      return elbow::test::failed(error);
    }
  }
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

extern "C" int close(int descriptor) {
  const int result = static_cast<int>(syscall(SYS_close, descriptor));
  SystemCalls* const calls = SystemCalls::active();
  if (calls != nullptr && calls->forget(descriptor)) {
    // As in the kernel: the descriptor is gone whatever close answers.
    if (const int error = calls->record({SystemCall::Kind::close, descriptor, {}, {}, {}})) {
      return elbow::test::failed(error);
    }
  }
  return result;
}

extern "C" int rename(const char* from, const char* to) noexcept {
  if (SystemCalls* const calls = SystemCalls::active()) {
    if (const int error = calls->record({SystemCall::Kind::rename, -1, from, to, {}}))
      return elbow::test::failed(error);
  }
  return static_cast<int>(syscall(SYS_rename, from, to));
}
