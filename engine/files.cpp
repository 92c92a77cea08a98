#include "engine/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "kernels/error.h"

namespace elbow {
namespace {

using std::filesystem::path;

constexpr std::string_view temporary_prefix = ".elbow-";
constexpr std::string_view temporary_suffix = ".tmp";

/// Bytes of the UTF-8 character that `text` begins with; 0 if it is a control character or not UTF-8.
std::size_t printable_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return byte(0) >= 0x20 && byte(0) != 0x7f ? 1 : 0;
  const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return 0;
  char32_t character = byte(0) & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte(i) & 0x3f);
  }
  constexpr char32_t smallest[] = {0, 0, 0xa0, 0x800, 0x10000};  // below 0xa0 are control characters
  const bool is_surrogate = character >= 0xd800 && character < 0xe000;
  return character >= smallest[length] && character <= 0x10ffff && !is_surrogate ? length : 0;
}

std::string show(const path& name) { return in_quotes(name.string(), std::string::npos); }

/// A file to be written, and the option that chose it.
struct Place {
  path target;
  std::string_view option = "--out";
};

std::string how_to_mend(int error, const Place& place) {
  const std::string_view option = place.option;
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return fmt::format("no space left: free some or choose another {}", option);
    case EACCES:
    case EPERM:
    case EROFS:
      return fmt::format("choose another {} that you may write to", option);
    case ENOENT:
      return fmt::format("create the folder {} first or choose another {}", show(place.target.parent_path()),
                         option);
    case ENOTDIR:
      return fmt::format("a part of the path is a file: choose another {}", option);
    case EISDIR:
      return fmt::format("a folder has that name: remove it or choose another {}", option);
    case ENAMETOOLONG:
      return fmt::format("choose a shorter {}", option);
    default:
      return fmt::format("choose another {} or mend the disk", option);
  }
}

[[noreturn]] void fail_to_write(const Place& place, const char* step, int error) {
  throw DataError(fmt::format("[write] {}: {} failed: {}; {}", show(place.target), step,
                              std::generic_category().message(error), how_to_mend(error, place)));
}

[[noreturn]] void fail_to_read(const path& source, const std::string& reason) {
  throw DataError(fmt::format("[read] {}: {}", show(source), reason));
}

/// Repeats a system call that a signal interrupted, such as the Ctrl-C that asks for a last checkpoint.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  /// 0 or the error. Linux has closed the descriptor even when it answers EINTR.
  int close() {
    const int result = ::close(std::exchange(number_, -1));
    return result < 0 && errno != EINTR ? errno : 0;
  }

 private:
  int number_;
};

/// A file that disappears with this object, unless it was renamed into place.
class TemporaryFile {
 public:
  explicit TemporaryFile(const Place& place) : place_(place), file_(create()) {}
  ~TemporaryFile() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::string_view content) {
    while (!content.empty()) {
      const ssize_t written =
          uninterrupted([&] { return ::write(file_.number(), content.data(), content.size()); });
      if (written <= 0) fail_to_write(place_, "write", written < 0 ? errno : EIO);
      content.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void finish() {
    // No second try after a failed fsync: the kernel may have marked the lost pages clean.
    if (uninterrupted([&] { return ::fsync(file_.number()); }) < 0) fail_to_write(place_, "fsync", errno);
    if (const int error = file_.close()) fail_to_write(place_, "close", error);
  }

  void rename_into_place(const path& keep_old_as) {
    bool kept = false;
    if (!keep_old_as.empty()) {
      kept = ::rename(place_.target.c_str(), keep_old_as.c_str()) == 0;
      if (!kept && errno != ENOENT) fail_to_write({keep_old_as, place_.option}, "rename", errno);
    }
    if (::rename(name_.c_str(), place_.target.c_str()) < 0) {
      const int error = errno;
      // Cannot be had back where the disk fails for good; the old content then remains under the other name.
      if (kept) (void)::rename(keep_old_as.c_str(), place_.target.c_str());
      fail_to_write(place_, "rename", error);
    }
    name_.clear();
  }

 private:
  int create() {
    static std::atomic<unsigned> counter{0};
    for (;;) {
      name_ = place_.target.parent_path() /
              fmt::format("{}{}-{}{}", temporary_prefix, ::getpid(), counter++, temporary_suffix);
      const int number =
          uninterrupted([&] { return ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
      if (number >= 0) return number;
      const int error = errno;
      // Another machine on a shared disk, or a killed process, had the same number.
      if (error == EEXIST) continue;
      name_.clear();
      fail_to_write(place_, "open", error);
    }
  }

  Place place_;
  path name_;
  Descriptor file_;
};

/// Makes the names in the folder survive a power loss.
void sync_folder(const Place& place) {
  const path parent = place.target.parent_path();
  const path name = parent.empty() ? path(".") : parent;
  const Place folder{name, place.option};
  const int number = uninterrupted([&] { return ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (number < 0) fail_to_write(folder, "open", errno);
  Descriptor descriptor(number);
  // EINVAL: a file system that knows no fsync of folders.
  if (uninterrupted([&] { return ::fsync(number); }) < 0 && errno != EINVAL)
    fail_to_write(folder, "fsync", errno);
  if (const int error = descriptor.close()) fail_to_write(folder, "close", error);
}

void replace(const Place& place, const std::function<void(const Append&)>& produce, const path& keep_old_as) {
  if (!place.target.has_filename()) fail_to_write(place, "open", EISDIR);
  TemporaryFile file(place);
  produce([&](std::string_view part) { file.write(part); });
  file.finish();
  file.rename_into_place(keep_old_as);
  sync_folder(place);
}

}  // namespace

std::string in_quotes(std::string_view text, std::size_t longest) {
  std::string result = "'";
  std::size_t at = 0;
  while (at < text.size() && at < longest) {
    const std::size_t length = printable_length(text.substr(at));
    if (length > 0) {
      result += text.substr(at, length);
    } else {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
    }
    at += std::max<std::size_t>(length, 1);
  }
  return result + (at < text.size() ? "...'" : "'");
}

void write_atomically(const path& target, std::string_view content, const path& keep_old_as) {
  replace(
      {target}, [&](const Append& append) { append(content); }, keep_old_as);
}

void write_parts_atomically(const path& target, std::string_view option,
                            const std::function<void(const Append&)>& produce) {
  replace({target, option}, produce, {});
}

std::string read_file(const path& source, std::size_t limit) {
  // Without O_NONBLOCK opening a pipe would wait for a writer.
  const int number = uninterrupted([&] { return ::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
  if (number < 0) fail_to_read(source, std::generic_category().message(errno));
  const Descriptor descriptor(number);
  struct stat status {};
  if (::fstat(number, &status) < 0) fail_to_read(source, std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode)) fail_to_read(source, "expected a file, found a folder, pipe or device");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > limit) fail_to_read(source, fmt::format("expected at most {} bytes, found {}", limit, size));

  std::string content(size, '\0');
  std::size_t done = 0;
  char beyond = 0;
  for (;;) {
    char* const to = done < size ? content.data() + done : &beyond;
    const ssize_t count = uninterrupted([&] { return ::read(number, to, done < size ? size - done : 1); });
    if (count < 0) fail_to_read(source, std::generic_category().message(errno));
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
    if (done > size) break;
  }
  if (done != size) fail_to_read(source, "the file changed while it was read; try again");
  return content;
}

void remove_temporaries(const path& folder) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(folder, error);
  while (!error && entry != std::filesystem::recursive_directory_iterator()) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(temporary_prefix) && name.ends_with(temporary_suffix) &&
        !entry->is_directory(error)) {
      std::filesystem::remove(entry->path(), error);
    }
    if (!error) entry.increment(error);
  }
  if (error) fail_to_write({folder}, "removing temporary files", error.value());
}

}  // namespace elbow
