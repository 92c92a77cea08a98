#include "experiments/sprite_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>

#include "engine/files.h"
#include "experiments/log.h"
#include "kernels/error.h"

namespace elbow {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "factors are stored as they are in memory");

// A file is: the fingerprint, filled with zero bytes to header_bytes; the factors, float64; the pictures; the
// CRC-32 of all this, 4 bytes.
constexpr std::size_t header_bytes = 4096;
constexpr std::size_t checksum_bytes = sizeof(std::uint32_t);
// To be raised whenever the same settings give other bytes, or the same bytes in another order.
constexpr int version = 1;

std::string show(const fs::path& path) { return in_quotes(path.string(), std::string::npos); }

std::string reason(int error) { return std::generic_category().message(error); }

/// All that decides the bytes.
std::string fingerprint(const SpriteSettings& settings) {
  return fmt::format(
      "elbow sprites, version {}\nseed = {}\nsamples = {}\nsize = {}\nshape = {}\nfactors = {}\n"
      "distortion = {}\n",
      version, settings.seed, settings.samples, settings.size, name(settings.shape),
      fmt::join(factor_names(settings), " "), name(settings.distortion));
}

std::uint32_t extended(std::uint32_t checksum, std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(checksum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string_view bytes_of(const void* address, std::size_t size) {
  return {static_cast<const char*>(address), size};
}

/// Where things are in the file.
struct Layout {
  explicit Layout(const SpriteSettings& settings)
      : factors(static_cast<std::size_t>(settings.samples) * factor_names(settings).size()),
        picture(static_cast<std::size_t>(3 * settings.size * settings.size)),
        pictures_at(header_bytes + factors * sizeof(double)),
        checksum_at(pictures_at + static_cast<std::size_t>(settings.samples) * picture),
        file(checksum_at + checksum_bytes) {}

  std::size_t factors;  ///< numbers
  std::size_t picture;  ///< bytes of one
  std::size_t pictures_at, checksum_at, file;
};

/// A file descriptor that is closed, and a lock on it given back, with this object.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail_to_read(const fs::path& path, const char* step, int error) {
  throw DataError(fmt::format("[--cache] {}: {} failed: {}; remove the file or choose another --cache",
                              show(path), step, reason(error)));
}

/// The bytes of a regular file; null if there is none.
std::shared_ptr<const char> mapped(const fs::path& path, std::size_t& size) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  if (file.number() < 0 && errno == ENOENT) return nullptr;
  struct stat status {};
  if (file.number() < 0 || ::fstat(file.number(), &status) < 0) fail_to_read(path, "open", errno);
  if (!S_ISREG(status.st_mode)) fail_to_read(path, "open", S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
  size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::make_shared<const char>();
  // Shared, so that processes with one data set have it in memory once.
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
  if (address == MAP_FAILED) fail_to_read(path, "mmap", errno);
  return {static_cast<const char*>(address), [size](const char* p) { ::munmap(const_cast<char*>(p), size); }};
}

/// What is wrong with the content of a file, "" if nothing.
std::string flaw_of(std::string_view content, const SpriteSettings& settings) {
  const Layout layout(settings);
  const std::string expected = fingerprint(settings);
  const std::string_view header = content.substr(0, header_bytes);
  if (!header.starts_with(expected) || header.find_first_not_of('\0', expected.size()) != header.npos) {
    return "expected a file of these settings, found one of others or of another kind";
  }
  if (content.size() != layout.file)
    return fmt::format("expected {} bytes, found {}", layout.file, content.size());
  std::uint32_t stored = 0;
  std::memcpy(&stored, content.data() + layout.checksum_at, checksum_bytes);
  const std::uint32_t actual = extended(0, content.substr(0, layout.checksum_at));
  if (actual != stored) return fmt::format("expected the checksum {:08x}, found {:08x}", stored, actual);
  return "";
}

/// Nothing if there is no file, or one with a `flaw`, which is "" otherwise.
std::optional<ImageSet> read(const fs::path& path, const SpriteSettings& settings, std::string& flaw) {
  std::size_t size = 0;
  const std::shared_ptr<const char> content = mapped(path, size);
  flaw = content == nullptr ? "" : flaw_of({content.get(), size}, settings);
  if (content == nullptr || !flaw.empty()) return std::nullopt;
  const Layout layout(settings);
  const auto* const pictures = reinterpret_cast<const std::uint8_t*>(content.get() + layout.pictures_at);
  ImageSet set{settings.samples,
               settings.size,
               settings.size,
               3,
               {content, pictures},
               factor_names(settings),
               std::vector<double>(layout.factors)};
  std::memcpy(set.factors.data(), content.get() + header_bytes, layout.factors * sizeof(double));
  return set;
}

/// Hands the file to `append`, about 12 MB of pictures at a time.
void produce(const SpriteSettings& settings, int threads, const Append& append) {
  std::uint32_t checksum = 0;
  const auto put = [&](std::string_view bytes) {
    checksum = extended(checksum, bytes);
    append(bytes);
  };
  std::string header = fingerprint(settings);
  header.resize(header_bytes);
  put(header);
  const std::vector<double> factors = sprite_factors(settings);
  put(bytes_of(factors.data(), factors.size() * sizeof(double)));

  const std::size_t columns = factor_names(settings).size(), picture = Layout(settings).picture;
  const std::size_t chunk = std::max<std::size_t>(1, 12'000'000 / picture) * columns;
  std::vector<std::uint8_t> pictures;
  for (std::size_t first = 0; first < factors.size(); first += chunk) {
    const auto part = std::span(factors).subspan(first, std::min(chunk, factors.size() - first));
    pictures.resize(part.size() / columns * picture);
    render_sprites(settings, part, threads, pictures.data());
    put(bytes_of(pictures.data(), pictures.size()));
  }
  append(bytes_of(&checksum, checksum_bytes));
}

void create(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw DataError(fmt::format("[--cache] {}: creating the folder failed: {}; choose another --cache",
                                show(folder), error.message()));
  }
}

/// Waits until no other process renders into the folder.
void lock(const Descriptor& file, const fs::path& name) {
  const auto attempt = [&](int flags) {
    int result = ::flock(file.number(), flags);
    while (result < 0 && errno == EINTR) result = ::flock(file.number(), flags);
    return result == 0;
  };
  if (file.number() >= 0 && attempt(LOCK_EX | LOCK_NB)) return;
  if (file.number() >= 0 && errno == EWOULDBLOCK) {
    log_info(fmt::format("waiting for a process that renders into {}", show(name.parent_path())));
    if (attempt(LOCK_EX)) return;
  }
  throw DataError(fmt::format("[--cache] {}: locking failed: {}; choose a --cache that you may write to",
                              show(name), reason(errno)));
}

}  // namespace

fs::path default_cache_folder() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  if (const fs::path cache = variable("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "elbow";
  if (const fs::path home = variable("HOME"); home.is_absolute()) return home / ".cache" / "elbow";
  throw UsageError("[--cache] neither XDG_CACHE_HOME nor HOME is an absolute path; give a folder by --cache");
}

std::uint64_t free_bytes(const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error) {
    throw DataError(fmt::format("[--cache] {}: asking for the free space failed: {}; choose another --cache",
                                show(folder), error.message()));
  }
  return space.available;
}

fs::path cache_file(const SpriteSettings& settings, const fs::path& folder) {
  return folder / fmt::format("sprites-{}-{}x{}-{:08x}.cache", name(settings.shape), settings.samples,
                              settings.size, extended(0, fingerprint(settings)));
}

ImageSet cached_sprites(const SpriteSettings& settings, const fs::path& folder, int threads,
                        const std::function<std::uint64_t(const fs::path&)>& free_space) {
  verify(settings);
  const fs::path path = cache_file(settings, folder);
  std::string flaw;
  if (auto set = read(path, settings, flaw)) return *std::move(set);
  if (!flaw.empty()) log_warning(fmt::format("[--cache] {}: {}; it is rendered again", show(path), flaw));

  create(folder);
  const fs::path lock_name = folder / ".lock";
  const Descriptor lock_file(lock_name, O_RDWR | O_CREAT);
  lock(lock_file, lock_name);
  // Whoever had the lock may have rendered it.
  if (auto set = read(path, settings, flaw)) return *std::move(set);
  remove_temporaries(folder);

  const std::uint64_t needed = Layout(settings).file, left = free_space(folder);
  if (left < needed) {
    throw DataError(fmt::format(
        "[--cache] {}: expected {} bytes of free space for {} pictures, found {}; free some, choose "
        "another --cache or fewer samples",
        show(folder), needed, settings.samples, left));
  }
  write_parts_atomically(path, "--cache", [&](const Append& append) { produce(settings, threads, append); });
  if (auto set = read(path, settings, flaw)) return *std::move(set);
  throw DataError(
      fmt::format("[--cache] {}: what was just written came back otherwise: {}; mend the disk or "
                  "choose another --cache",
                  show(path), flaw.empty() ? "no file" : flaw));
}

}  // namespace elbow
