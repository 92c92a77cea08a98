#include "experiments/array_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <charconv>
#include <cstring>

#include "engine/files.h"
#include "kernels/error.h"

namespace elbow {
namespace {

static_assert(std::endian::native == std::endian::little, "'<' below is this machine's byte order");

constexpr std::size_t largest_file = std::size_t{1} << 34;
constexpr std::string_view npy_magic = "\x93NUMPY";
constexpr std::string_view npy_ending = ".npy";

struct ElementType {
  FileArray::Element element;
  std::string_view code;  ///< numpy's
  std::string_view name;
  std::size_t bytes;
};

constexpr ElementType element_types[] = {{FileArray::Element::uint8, "|u1", "uint8", 1},
                                         {FileArray::Element::float32, "<f4", "float32", 4},
                                         {FileArray::Element::float64, "<f8", "float64", 8}};

const ElementType& type_of(FileArray::Element element) {
  return element_types[static_cast<std::size_t>(element)];
}

/// Takes one .npy file apart.
class NpyReader {
 public:
  NpyReader(SharedBytes file, std::string shown) : file_(std::move(file)), shown_(std::move(shown)) {}

  FileArray read() {
    split();
    parse_header();
    return {element_, shape_, {file_.owner, checked_data()}};
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found, const char* advice) const {
    throw DataError(fmt::format("[npy] {}: expected {}, found {}; {}", shown_, expected, found, advice));
  }
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    refuse(expected, found, "the file is damaged or of another kind");
  }

  /// Magic, version, the header's length in 2 bytes or, from version 2 on, in 4; header; data.
  void split() {
    std::string_view rest = file_.bytes;
    const std::size_t before_length = npy_magic.size() + 2;
    if (!rest.starts_with(npy_magic) || rest.size() < before_length) {
      refuse("the beginning of an .npy file", in_quotes(rest.substr(0, before_length)));
    }
    const int version = static_cast<unsigned char>(rest[npy_magic.size()]);
    if (version < 1 || version > 3) refuse("version 1 to 3 of the format", fmt::format("{}", version));
    rest.remove_prefix(before_length);

    std::uint32_t length = 0;
    const std::size_t length_bytes = version == 1 ? 2 : 4;
    if (rest.size() < length_bytes) refuse("the header's length", "the file's end");
    std::memcpy(&length, rest.data(), length_bytes);
    rest.remove_prefix(length_bytes);
    if (length > rest.size()) {
      refuse(fmt::format("{} bytes of header", length), fmt::format("{} up to the file's end", rest.size()));
    }
    header_ = rest.substr(0, length);
    data_ = rest.substr(length);
  }

  /// A Python dictionary with three known keys and nothing else.
  void parse_header() {
    const std::string_view whole = header_;
    bool seen[3] = {};
    expect('{', whole);
    while (!accept('}')) {
      const std::string_view key = text(whole);
      expect(':', whole);
      const std::size_t number = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (number == 3 || seen[number]) refuse_header(whole);
      seen[number] = true;
      if (number == 0) parse_element(whole);
      if (number == 1) parse_order(whole);
      if (number == 2) parse_shape(whole);
      if (!accept(',')) {
        expect('}', whole);
        break;
      }
    }
    skip_space();
    if (!header_.empty() || !seen[0] || !seen[1] || !seen[2]) refuse_header(whole);
  }

  void parse_element(std::string_view whole) {
    if (accept('[')) {
      refuse("elements of uint8, float32 or float64", "records", "save each field as an array of its own");
    }
    const std::string_view code = text(whole);
    for (const ElementType& type : element_types) {
      if (type.code != code) continue;
      element_ = type.element;
      return;
    }
    refuse("elements '|u1' (uint8), '<f4' (float32) or '<f8' (float64)", in_quotes(code),
           "convert them by numpy's astype");
  }

  void parse_order(std::string_view whole) {
    if (accept_word("True")) {
      refuse("rows one after another (C order)", "Fortran order", "save numpy.ascontiguousarray of it");
    }
    if (!accept_word("False")) refuse_header(whole);
  }

  void parse_shape(std::string_view whole) {
    expect('(', whole);
    while (!accept(')')) {
      skip_space();
      Index extent = 0;
      const auto [end, error] = std::from_chars(header_.data(), header_.data() + header_.size(), extent);
      if (error != std::errc() || extent < 0) refuse_header(whole);
      header_.remove_prefix(static_cast<std::size_t>(end - header_.data()));
      shape_.push_back(extent);
      if (!accept(',')) {
        expect(')', whole);
        break;
      }
    }
  }

  std::string_view checked_data() const {
    std::size_t bytes = type_of(element_).bytes;
    for (const Index extent : shape_) {
      if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(extent), &bytes)) {
        refuse("a shape that fits into memory", fmt::format("({})", fmt::join(shape_, ", ")));
      }
    }
    if (data_.size() != bytes) {
      refuse(fmt::format("{} bytes for {} ({})", bytes, name(element_), fmt::join(shape_, ", ")),
             fmt::format("{}", data_.size()));
    }
    return data_;
  }

  // Pieces of the header, taken from its front.

  [[noreturn]] void refuse_header(std::string_view whole) const {
    refuse("a header {'descr': ..., 'fortran_order': ..., 'shape': ...}", in_quotes(whole));
  }
  void skip_space() { header_.remove_prefix(std::min(header_.find_first_not_of(" \n"), header_.size())); }
  bool accept_word(std::string_view word) {
    skip_space();
    if (!header_.starts_with(word)) return false;
    header_.remove_prefix(word.size());
    return true;
  }
  bool accept(char character) { return accept_word({&character, 1}); }
  void expect(char character, std::string_view whole) {
    if (!accept(character)) refuse_header(whole);
  }
  /// What is between two quotes of one kind.
  std::string_view text(std::string_view whole) {
    skip_space();
    const char quote = header_.empty() ? '\0' : header_[0];
    const std::size_t end = header_.find(quote, 1);
    if ((quote != '\'' && quote != '"') || end == header_.npos) refuse_header(whole);
    const std::string_view inside = header_.substr(1, end - 1);
    header_.remove_prefix(end + 1);
    return inside;
  }

  SharedBytes file_;
  std::string shown_;
  std::string_view header_;
  std::string_view data_;
  FileArray::Element element_{};
  std::vector<Index> shape_;
};

}  // namespace

std::string_view name(FileArray::Element element) { return type_of(element).name; }

std::vector<double> to_doubles(const FileArray& array) {
  const std::string_view bytes = array.data.bytes;
  const auto convert = [&]<class T>(T value) {
    std::vector<double> numbers(bytes.size() / sizeof value);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
      numbers[i] = static_cast<double>(value);
    }
    return numbers;
  };
  switch (array.element) {
    case FileArray::Element::float32:
      return convert(float{});
    case FileArray::Element::float64:
      return convert(double{});
    default:
      return convert(std::uint8_t{});
  }
}

ArrayFile::ArrayFile(const std::filesystem::path& path)
    : ArrayFile(std::make_shared<const std::string>(read_file(path, largest_file)), path) {}

ArrayFile::ArrayFile(std::shared_ptr<const std::string> content, std::filesystem::path path)
    : path_(std::move(path)), content_(std::move(content)) {
  if (content_->starts_with("PK")) {
    archive_ = std::make_unique<ZipFile>(content_, path_);
  } else if (!content_->starts_with(npy_magic)) {
    throw DataError(
        fmt::format("[--data] {}: expected an .npz or .npy file of numpy, found one that begins with {}",
                    in_quotes(path_.string(), std::string::npos),
                    in_quotes(std::string_view(*content_).substr(0, npy_magic.size()))));
  }
}

std::vector<std::string> ArrayFile::names() const {
  if (archive_ == nullptr) return {""};
  std::vector<std::string> names;
  for (const std::string& name : archive_->names()) {
    const bool is_array = name.ends_with(npy_ending);
    if (is_array) names.push_back(name.substr(0, name.size() - npy_ending.size()));
  }
  return names;
}

bool ArrayFile::contains(std::string_view name) const {
  return archive_ == nullptr ? name.empty() : archive_->contains(std::string(name).append(npy_ending));
}

FileArray ArrayFile::read(std::string_view name) const {
  const std::string shown = in_quotes(path_.string(), std::string::npos);
  if (archive_ == nullptr) return NpyReader({content_, *content_}, shown).read();
  const SharedBytes member = archive_->read(std::string(name).append(npy_ending));
  return NpyReader(member, fmt::format("{}, array {}", shown, in_quotes(name))).read();
}

}  // namespace elbow
