#include "experiments/run_folder.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "engine/files.h"
#include "experiments/config_file.h"
#include "kernels/error.h"

namespace elbow {
namespace {

namespace fs = std::filesystem;

constexpr const char* runs_folder = "runs";
constexpr const char* latest_name = "latest";
constexpr const char* lock_name = ".lock";

[[noreturn]] void fail(const fs::path& path, const std::string& what, const std::error_code& error) {
  throw DataError(fmt::format("[--out] {}: {} failed: {}; choose an --out that you may write to",
                              path.string(), what, error.message()));
}

std::error_code last_error() { return {errno, std::generic_category()}; }

/// True if the folder is new.
bool create_folders(const fs::path& path) {
  std::error_code error;
  const bool created = fs::create_directories(path, error);
  if (error) fail(path, "creating the folder", error);
  return created;
}

/// A new folder under runs/; a number is appended if another program started in the same second.
fs::path create_dated(const std::string& experiment) {
  create_folders(runs_folder);
  const std::string stem =
      fmt::format("{:%Y-%m-%d_%H-%M-%S}_{}", fmt::localtime(std::time(nullptr)), experiment);
  for (int attempt = 1;; ++attempt) {
    const fs::path path = fs::path(runs_folder) / (attempt == 1 ? stem : fmt::format("{}-{}", stem, attempt));
    if (::mkdir(path.c_str(), 0777) == 0) return path;
    if (errno != EEXIST) fail(path, "creating the folder", last_error());
  }
}

/// Points runs/latest to `path`, at once, so that it never dangles.
void point_latest_to(const fs::path& path) {
  const fs::path link = fs::path(runs_folder) / latest_name;
  const fs::path temporary = fs::path(runs_folder) / fmt::format(".{}-{}", latest_name, ::getpid());
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_symlink(path.filename(), temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (error) fail(link, "linking", error);
}

/// Whether there is more than the lock and what a killed writer left.
bool holds_something(const fs::path& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name != lock_name && !name.starts_with(".elbow-")) return true;
  }
  if (error) fail(path, "reading the folder", error);
  return false;
}

}  // namespace

fs::path folder_to_resume(const std::string& out) {
  if (!out.empty()) return out;
  const fs::path latest = fs::path(runs_folder) / latest_name;
  std::error_code error;
  const fs::path target = fs::canonical(latest, error);
  if (error)
    throw DataError(
        fmt::format("[--resume] there is no {} here; name the run folder with --out", latest.string()));
  return fs::path(runs_folder) / target.filename();
}

RunFolder::RunFolder(const Experiment& experiment, const Options& options) {
  const bool dated = options.out.empty() && !options.resume;
  path_ = dated ? create_dated(experiment.name) : folder_to_resume(options.out);
  const bool created = dated || create_folders(path_);
  try {
    lock();
    prepare(experiment, options);
    if (dated) point_latest_to(path_);
  } catch (...) {
    unlock();
    if (created) ::rmdir(path_.c_str());
    throw;
  }
}

RunFolder::~RunFolder() { unlock(); }

fs::path RunFolder::file(std::string_view name) const {
  const fs::path path = path_ / name;
  create_folders(path.parent_path());
  return path;
}

void RunFolder::write(std::string_view name, std::string_view content) const {
  write_atomically(file(name), content);
}

void RunFolder::prepare(const Experiment& experiment, const Options& options) {
  const fs::path config = path_ / config_name;
  resumed_ = holds_something(path_);
  if (resumed_ && !options.resume)
    throw UsageError(
        fmt::format("[--out] {} exists and is not empty; add --resume to go on with it, or choose another "
                    "--out",
                    path_.string()));
  if (resumed_ && !fs::exists(config))
    throw UsageError(fmt::format("[--resume] {} has no {}, so it is no run folder; choose another --out",
                                 path_.string(), config_name));
  if (resumed_) {
    remove_temporaries(path_);
    require_same_config(config, experiment.name, options, experiment.accepted);
  } else {
    write_atomically(config, config_text(experiment.name, options, experiment.accepted));
  }
}

void RunFolder::lock() {
  const fs::path name = path_ / lock_name;
  for (;;) {
    lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock_ < 0) fail(name, "opening", last_error());
    if (::flock(lock_, LOCK_EX | LOCK_NB) < 0) {
      const bool taken = errno == EWOULDBLOCK;
      const std::error_code error = last_error();
      ::close(std::exchange(lock_, -1));
      if (!taken) fail(name, "locking", error);
      throw UsageError(fmt::format(
          "[--out] {} is in use by another process; wait for it, or choose another --out", path_.string()));
    }
    // Its last owner may have removed the file between our open and our lock.
    struct stat status {};
    if (::fstat(lock_, &status) == 0 && status.st_nlink > 0) return;
    ::close(lock_);
  }
}

void RunFolder::unlock() {
  if (lock_ < 0) return;
  ::unlink((path_ / lock_name).c_str());
  ::close(std::exchange(lock_, -1));
}

}  // namespace elbow
