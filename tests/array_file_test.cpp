#include "experiments/array_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kernels/error.h"
#include "tests/array_cases.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

ArrayFile file_of(const std::string& bytes) { return {std::make_shared<const std::string>(bytes), "f"}; }

/// The message of the error, without what all have in common.
std::string error_of(const std::string& bytes) {
  std::string message = thrown<DataError>([&] {
    const ArrayFile file = file_of(bytes);
    for (const std::string& name : file.names()) file.read(name);
  });
  for (const std::string common :
       {"[zip] 'f': ", "[npy] 'f': ", "; the file is damaged or of another kind"}) {
    if (const std::size_t at = message.find(common); at != message.npos) message.erase(at, common.size());
  }
  return message;
}

const std::string six = npy("|u1", "(2, 3)", "abcdef");

TEST(Npy, ReadsAllThatIsSupported) {
  const std::vector<float> floats = {1.5F, -2.0F};
  const std::vector<double> doubles = {1e300, 0.1};
  struct Good {
    std::string bytes;
    FileArray::Element element;
    std::vector<Index> shape;
    std::vector<double> values;
  };
  const Good cases[] = {
      {npy("|u1", "(2, 2)", "\x01\x02\x03\xff"), FileArray::Element::uint8, {2, 2}, {1, 2, 3, 255}},
      {npy("<f4", "(2,)", raw(floats)), FileArray::Element::float32, {2}, {1.5, -2}},
      {npy("<f8", "(1, 2)", raw(doubles), 2), FileArray::Element::float64, {1, 2}, {1e300, 0.1}},
      {npy("<f8", "()", raw(0.25), 3), FileArray::Element::float64, {}, {0.25}},
      {npy("|u1", "(0, 7)", ""), FileArray::Element::uint8, {0, 7}, {}},
      {npy_with_header(R"({"shape":(1 ,),"fortran_order":False,"descr":"|u1"})", "\x05"),
       FileArray::Element::uint8,
       {1},
       {5}},
  };
  for (const Good& good : cases) {
    const ArrayFile file = file_of(good.bytes);
    EXPECT_EQ(file.names(), std::vector<std::string>{""});
    EXPECT_TRUE(file.contains(""));
    EXPECT_FALSE(file.contains("images"));
    const FileArray array = file.read("");
    EXPECT_EQ(array.element, good.element);
    EXPECT_EQ(array.shape, good.shape);
    EXPECT_EQ(to_doubles(array), good.values);
  }
}

TEST(Npy, SaysWhatIsWrong) {
  const auto dictionary = [](const std::string& text) { return npy_with_header(text, "abcdef"); };
  const std::string usual = "expected a header {'descr': ..., 'fortran_order': ..., 'shape': ...}, found '";
  const std::pair<std::string, std::string> cases[] = {
      {"", "[--data] 'f': expected an .npz or .npy file of numpy, found one that begins with ''"},
      {"hello, world",
       "[--data] 'f': expected an .npz or .npy file of numpy, found one that begins with 'hello,'"},
      {six.substr(0, 7), "expected the beginning of an .npy file, found '\\x93NUMPY\\x01'"},
      {npy("|u1", "(6,)", "abcdef", 4), "expected version 1 to 3 of the format, found 4"},
      {six.substr(0, 9), "expected the header's length, found the file's end"},
      {six.substr(0, 20), "expected 63 bytes of header, found 10 up to the file's end"},
      {six.substr(0, six.size() - 1), "expected 6 bytes for uint8 (2, 3), found 5"},
      {six + "g", "expected 6 bytes for uint8 (2, 3), found 7"},
      {npy("<i8", "(2, 3)", ""),
       "expected elements '|u1' (uint8), '<f4' (float32) or '<f8' (float64), found '<i8'; convert them by "
       "numpy's astype"},
      {npy(">f4", "(2, 3)", ""),
       "expected elements '|u1' (uint8), '<f4' (float32) or '<f8' (float64), found '>f4'; convert them by "
       "numpy's astype"},
      {dictionary("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
       "expected elements of uint8, float32 or float64, found records; save each field as an array of its "
       "own"},
      {dictionary("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }"),
       "expected rows one after another (C order), found Fortran order; save numpy.ascontiguousarray of it"},
      {npy("<f8", "(9223372036854775807, 4)", ""),
       "expected a shape that fits into memory, found (9223372036854775807, 4)"},
      {dictionary(""), usual + "'"},
      {dictionary("{"), usual + "{'"},
      {dictionary("{}"), usual + "{}'"},
      {dictionary("{'"), usual + "{''"},
      {dictionary("{'descr': '|u1'"), usual + "{'descr': '|u1''"},
      {dictionary("{'descr': '|u1', 'descr': '|u1'}"), usual + "{'descr': '|u1', 'descr': '|u1'}'"},
      {dictionary("{'order': 'C'}"), usual + "{'order': 'C'}'"},
      {dictionary("{'fortran_order': 0}"), usual + "{'fortran_order': 0}'"},
      {dictionary("{'shape': (-1,)}"), usual + "{'shape': (-1,)}'"},
      {dictionary("{'shape': (2 3)}"), usual + "{'shape': (2 3)}'"},
      {dictionary("{'shape': (99999999999999999999,)}"), usual + "{'shape': (99999999999999999999,)}'"},
      {dictionary("{'descr': '|u1', 'fortran_order': False, 'shape': (6,)} x"),
       usual + "{'descr': '|u1', 'fortran_order': False, 'shape': (6,)} x'"},
  };
  for (const auto& [bytes, message] : cases) EXPECT_EQ(error_of(bytes), message);
}

TEST(Npz, StoredAndDeflatedWithLargeNumbersAndWithout) {
  const std::string many = npy("|u1", "(100000,)", std::string(100'000, 'z'));
  for (const bool large : {false, true}) {
    const std::string bytes = zip_of({{"a.npy", six}, {"readme", "text"}, {"b.npy", many, true}}, large);
    const ArrayFile file = file_of(bytes);
    EXPECT_EQ(file.names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(file.contains("b"));
    EXPECT_FALSE(file.contains("c"));
    EXPECT_EQ(file.read("a").data.bytes, "abcdef");
    EXPECT_EQ(file.read("b").data.bytes, std::string(100'000, 'z'));
  }
}

TEST(Npz, ContentOutlivesTheFile) {
  const SharedBytes stored = file_of(zip_of({{"a.npy", six}})).read("a").data;
  const SharedBytes inflated = file_of(zip_of({{"a.npy", six, true}})).read("a").data;
  EXPECT_EQ(stored.bytes, "abcdef");
  EXPECT_EQ(inflated.bytes, "abcdef");
}

TEST(Npz, FromDisk) {
  const ScratchFolder folder;
  put(folder / "a.npz", zip_of({{"a.npy", six}}));
  EXPECT_EQ(ArrayFile(folder / "a.npz").read("a").data.bytes, "abcdef");
  EXPECT_EQ(thrown<DataError>([&] { ArrayFile(folder / "b.npz"); }),
            "[read] '" + (folder / "b.npz").string() + "': No such file or directory");
}

std::uint32_t checksum(const std::string& bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

/// `bytes` with other ones at `at`, counted from behind if negative.
std::string changed(std::string bytes, int at, const std::string& other) {
  const std::size_t place =
      at < 0 ? bytes.size() - static_cast<std::size_t>(-at) : static_cast<std::size_t>(at);
  return bytes.replace(place, other.size(), other);
}

TEST(Npz, SaysWhatIsWrong) {
  const std::string good = zip_of({{"a.npy", six}}), packed = zip_of({{"a.npy", six, true}});
  const std::string large = zip_of({{"a.npy", six}}, true);
  const int size = static_cast<int>(good.size());
  const int entry = static_cast<int>(good.find("PK\1\2")),
            packed_entry = static_cast<int>(packed.find("PK\1\2"));
  const std::pair<std::string, std::string> cases[] = {
      {"PK\3\4", "expected a zip archive's directory at the end, found none"},
      {good.substr(0, good.size() - 1), "expected a zip archive's directory at the end, found none"},
      {changed(good, -18, raw(std::uint16_t{1})), "expected an archive of one part, found one of several"},
      {changed(good, -12, raw(std::uint16_t{2})), "expected an archive of one part, found one of several"},
      {changed(good, -14, raw(0x00020002)), "expected entries of 2 members, found fewer"},
      {changed(good, -14, raw(0x00000000)), "expected nothing behind the last member's entry, found more"},
      {changed(good, -6, raw(std::uint32_t{0x7fffffff})),
       fmt::format("expected a directory of 51 bytes at byte 2147483647, found a file of {} bytes", size)},
      {changed(good, -6, raw(std::uint32_t{0xffffffff})), "expected a zip64 locator, found none"},
      {changed(large, -42, "XX"), "expected a zip64 locator, found none"},
      {changed(large, -98, "XX"), "expected a zip64 directory record, found none"},
      {changed(good, entry, "XX"), "expected an entry of the directory, found something else"},
      {changed(good, entry + 28, raw(std::uint16_t{999})),
       "expected a member's name and extra fields, found the directory's end"},
      {changed(good, entry + 8, raw(std::uint16_t{1})),
       "expected member 'a.npy' to be readable, found it encrypted"},
      {changed(good, entry + 10, raw(std::uint16_t{12})),
       "expected member 'a.npy' to be stored or deflated, found method 12"},
      {changed(good, entry + 24, raw(std::uint32_t{80})),
       "expected member 'a.npy' of a size that 79 bytes can hold, found 80"},
      {changed(packed, packed_entry + 24, raw(std::uint32_t{0x7fffffff})),
       fmt::format("expected member 'a.npy' of a size that {} bytes can hold, found 2147483647",
                   deflated(six).size())},
      {changed(good, entry + 24, raw(std::uint32_t{0xffffffff})),
       "expected 64-bit sizes of a member, found none"},
      {changed(good, entry + 42, raw(std::uint32_t{1})),
       "expected the header of member 'a.npy', found something else"},
      {changed(good, 26, raw(std::uint16_t{999})),
       fmt::format("expected member 'a.npy' of 79 bytes at byte 1049, found a file of {} bytes", size)},
      {zip_of({{"a.npy", six}, {"b.npy", six}, {"a.npy", six}}),
       "expected every name once, found 'a.npy' twice"},
      {changed(good, entry - 1, "g"),
       fmt::format("expected member 'a.npy' with the checksum {:08x}, found {:08x}", checksum(six),
                   checksum(six.substr(0, six.size() - 1) + "g"))},
      {changed(packed, 30 + 5 + 20, "\xff"),
       "expected member 'a.npy' to be 79 deflated bytes, found other data"},
      {changed(packed, packed_entry + 24, raw(std::uint32_t{80})),
       "expected member 'a.npy' to be 80 deflated bytes, found other data"},
      {zip_of({{"a.npy", six.substr(0, 20)}}),
       "[npy] 'f', array 'a': expected 63 bytes of header, found 10 up to the file's end"},
  };
  for (const auto& [bytes, message] : cases) EXPECT_EQ(error_of(bytes), message);
}

TEST(Npz, NoDamageIsACrash) {
  const std::string good = zip_of({{"a.npy", six}, {"b.npy", npy("<f8", "(2,)", raw(1.0) + raw(2.0)), true}});
  const std::string large = zip_of({{"a.npy", six, true}}, true);
  std::size_t refused = 0, accepted = 0;
  const auto attempt = [&](const std::string& bytes) {
    try {
      const ArrayFile file = file_of(bytes);
      for (const std::string& name : file.names()) to_doubles(file.read(name));
      ++accepted;
    } catch (const DataError&) {
      ++refused;
    }
  };
  for (const std::string& archive : {good, large}) {
    for (std::size_t length = 0; length < archive.size(); ++length) attempt(archive.substr(0, length));
    EXPECT_EQ(accepted, 0u) << "cut short";
    for (std::size_t at = 0; at < archive.size(); ++at) {
      for (const char other : {'\0', '\1', '\x7f', '\xff'})
        attempt(changed(archive, static_cast<int>(at), {other}));
    }
    EXPECT_GT(refused, 2 * archive.size());
    accepted = refused = 0;
  }
}

}  // namespace
}  // namespace elbow::test
