// What must be refused: files made to harm, cut short, with flipped bits, and mutated at random.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine/safetensors.h"
#include "kernels/error.h"
#include "tests/safetensors_cases.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

struct Attack {
  const char* what;
  std::string bytes;
  const char* message;  ///< between the file's name and the closing words
};

std::string one_tensor(const std::string& fields) { return file_of("{\"w\":{" + fields + "}}", 8); }

std::vector<Attack> attacks() {
  const std::string two = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[)";
  const std::string then = R"(]},"b":{"dtype":"F32","shape":[1],"data_offsets":[)";
  const std::string f32 = R"("dtype":"F32",)";
  const std::string all = R"("data_offsets":[0,8])";
  return {
      {"empty file", "", "expected at least 8 bytes, found 0"},
      {"7 bytes", "1234567", "expected at least 8 bytes, found 7"},
      {"header bomb", file_with_length(std::uint64_t{1} << 40, "{}"),
       "expected a header of at most 1048576 bytes, found a length of 1099511627776"},
      {"largest length", file_with_length(~std::uint64_t{0}, "{}"),
       "expected a header of at most 1048576 bytes, found a length of 18446744073709551615"},
      {"length beyond the file", file_with_length(3, "{}"),
       "expected 3 bytes of header, found 2 up to the file's end"},
      {"no header", file_of(""), "expected a header that starts with '{', found ''"},
      {"a list", file_of("[]"), "expected a header that starts with '{', found '['"},
      {"leading space", file_of(" {}"), "expected a header that starts with '{', found ' '"},
      {"byte order mark", file_of("\xef\xbb\xbf{}"), "expected a header that starts with '{', found '\\xef'"},
      {"hidden behind a zero byte", file_of(std::string("{}\0{}", 5)),
       "expected JSON as header, found a zero byte in it"},
      {"two values", file_of("{}{}"), "expected JSON as header, found an error at its byte 3"},
      {"comment", file_of("{}//"), "expected JSON as header, found an error at its byte 3"},
      {"open brace", file_of("{"), "expected JSON as header, found an error at its byte 2"},
      {"NaN", file_of(R"({"w":NaN})"), "expected JSON as header, found an error at its byte 6"},
      {"bad UTF-8", file_of("{\"w\xff\":1}"), "expected JSON as header, found an error at its byte 4"},
      {"half a surrogate pair", file_of(R"({"\ud800":1})"),
       "expected JSON as header, found an error at its byte 9"},
      {"huge number", file_of(R"({"w":1e999})"), "expected JSON as header, found a number out of range"},
      {"deep lists", file_of(R"({"w":{"shape":[[1]]}})"),
       "expected at most 3 levels in the header, found more"},
      {"very deep", file_of(R"({"w":)" + std::string(1 << 19, '[')),
       "expected at most 3 levels in the header, found more"},
      {"duplicate tensor", file_of(R"({"w":1,"w":2})"), "expected every key once, found 'w' twice"},
      {"duplicate, spelt otherwise", file_of(R"({"w":1,"\u0077":2})"),
       "expected every key once, found 'w' twice"},
      {"duplicate field", one_tensor(R"("dtype":"F32","dtype":"F64")"),
       "expected every key once, found 'dtype' twice"},
      {"duplicate metadata", file_of(R"({"__metadata__":{"a":"1","a":"2"}})"),
       "expected every key once, found 'a' twice"},
      {"metadata list", file_of(R"({"__metadata__":[]})"), "expected an object as __metadata__, found array"},
      {"metadata number", file_of(R"({"__metadata__":{"a":1}})"),
       "expected a string as metadata 'a', found number"},
      {"tensor is a number", file_of(R"({"w":1})"),
       "expected dtype, shape and data_offsets of tensor 'w', found '1'"},
      {"missing field", file_of(R"({"w":{"dtype":"F32","shape":[0]}})"),
       R"(expected dtype, shape and data_offsets of tensor 'w', found '{"dtype":"F32","shape":[0]}')"},
      {"one field more", one_tensor(f32 + R"("shape":[2],"strides":[1],)" + all),
       R"(expected dtype, shape and data_offsets of tensor 'w', found '{"data_offsets":[0,8],"dtype":"F32","shape":[2],"strides":[1]}')"},
      {"another field", one_tensor(f32 + R"("shape":[2],"data_offset":[0,8])"),
       R"(expected dtype, shape and data_offsets of tensor 'w', found '{"data_offset":[0,8],"dtype":"F32","shape":[2]}')"},
      {"empty name", file_of(R"({"":{}})"),
       "expected names without control characters and '..', found tensor ''"},
      {"path as name", file_of(R"({"../w":{}})"),
       "expected names without control characters and '..', found tensor '../w'"},
      {"zero byte in a name", file_of(R"({"w\u0000":{}})"),
       "expected names without control characters and '..', found tensor 'w\\x00'"},
      {"unknown dtype", one_tensor(R"("dtype":"BF16","shape":[4],)" + all),
       "expected dtype F32 or F64 of tensor 'w', found '\"BF16\"'"},
      {"dtype is a number", one_tensor(R"("dtype":32,"shape":[2],)" + all),
       "expected dtype F32 or F64 of tensor 'w', found '32'"},
      {"shape is a number", one_tensor(f32 + R"("shape":2,)" + all),
       "expected a list of integers from 0 as shape of tensor 'w', found '2'"},
      {"negative extent", one_tensor(f32 + R"("shape":[-1,-2],)" + all),
       "expected a list of integers from 0 as shape of tensor 'w', found '[-1,-2]'"},
      {"broken extent", one_tensor(f32 + R"("shape":[2.0],)" + all),
       "expected a list of integers from 0 as shape of tensor 'w', found '[2.0]'"},
      {"extent beyond 64 bits", one_tensor(f32 + R"("shape":[18446744073709551616],)" + all),
       "expected a list of integers from 0 as shape of tensor 'w', found '[1.8446744073709552e+19]'"},
      {"too many axes", one_tensor(f32 + R"("shape":[1,1,1,1,1,2],)" + all),
       "expected at most 5 axes of tensor 'w', found 6"},
      {"product that wraps to 4", one_tensor(f32 + R"("shape":[4194305,4194305,211106198978564],)" + all),
       "expected at most 2^60 elements of tensor 'w', found shape [4194305, 4194305, 211106198978564]"},
      {"largest extent", one_tensor(f32 + R"("shape":[18446744073709551615],)" + all),
       "expected at most 2^60 elements of tensor 'w', found shape [18446744073709551615]"},
      {"overflow hidden by a 0", one_tensor(f32 + R"("shape":[0,4294967296,4294967296],)" + all),
       "expected at most 2^60 elements of tensor 'w', found shape [0, 4294967296, 4294967296]"},
      {"huge shape, tiny file", one_tensor(f32 + R"("shape":[8589934592],)" + all),
       "expected 34359738368 bytes for tensor 'w' F32 (8589934592,), found 8"},
      {"bytes that wrap to 0",
       one_tensor(R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0])"),
       "expected at most 2^60 elements of tensor 'w', found shape [2305843009213693952]"},
      {"most elements", one_tensor(R"("dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0])"),
       "expected 9223372036854775808 bytes for tensor 'w' F64 (1152921504606846976,), found 0"},
      {"more bytes than the shape has", one_tensor(f32 + R"("shape":[1],)" + all),
       "expected 4 bytes for tensor 'w' F32 (1,), found 8"},
      {"wrong size", one_tensor(R"("dtype":"F64","shape":[2],)" + all),
       "expected 16 bytes for tensor 'w' F64 (2,), found 8"},
      {"one offset", one_tensor(f32 + R"("shape":[2],"data_offsets":[0])"),
       "expected data_offsets [begin, end] of tensor 'w' within 8 bytes of data, found [0]"},
      {"offsets reversed", one_tensor(f32 + R"("shape":[2],"data_offsets":[8,0])"),
       "expected data_offsets [begin, end] of tensor 'w' within 8 bytes of data, found [8, 0]"},
      {"offsets beyond the file", one_tensor(f32 + R"("shape":[4],"data_offsets":[0,16])"),
       "expected data_offsets [begin, end] of tensor 'w' within 8 bytes of data, found [0, 16]"},
      {"offsets at the end of the world",
       one_tensor(f32 + R"("shape":[0],"data_offsets":[18446744073709551615,18446744073709551615])"),
       "expected data_offsets [begin, end] of tensor 'w' within 8 bytes of data, found "
       "[18446744073709551615, 18446744073709551615]"},
      {"overlap", file_of(two + "0,4" + then + "0,4]}}", 4),
       "expected tensor 'b' to begin at byte 4 of the data, found 0, which is an overlap"},
      {"partial overlap", file_of(two + "0,4" + then + "2,6]}}", 6),
       "expected tensor 'b' to begin at byte 4 of the data, found 2, which is an overlap"},
      {"gap", file_of(two + "0,4" + then + "8,12]}}", 12),
       "expected tensor 'b' to begin at byte 4 of the data, found 8, which is a gap"},
      {"gap in front", file_of(two + "4,8" + then + "8,12]}}", 12),
       "expected tensor 'a' to begin at byte 0 of the data, found 4, which is a gap"},
      {"empty tensor inside another",
       file_of(two + "0,4" + R"(]},"b":{"dtype":"F32","shape":[0],"data_offsets":[2,2]}})", 4),
       "expected tensor 'b' to begin at byte 4 of the data, found 2, which is an overlap"},
      {"trailing bytes", file_of(two + "0,4" + then + "4,8]}}", 9), "expected 8 bytes of data, found 9"},
      {"trailing bytes without tensors", file_of("{}", 1), "expected 0 bytes of data, found 1"},
      {"wrong checksum", file_of(R"({"__metadata__":{"crc32":"00000000"}})"),
       "expected crc32 '00000000', found '"},
      {"terminal codes in the checksum", file_of(R"({"__metadata__":{"crc32":"\u001b[2J"}})"),
       "expected crc32 '\\x1b[2J', found '"},
  };
}

TEST(SafetensorsAttack, RefusesEveryAttack) {
  for (const Attack& attack : attacks()) {
    const std::string message = thrown<DataError>([&] { decode_safetensors(attack.bytes, "bad file"); });
    EXPECT_EQ(message.find("[safetensors] 'bad file': " + std::string(attack.message)), 0u)
        << attack.what << ": " << message;
  }
}

TEST(SafetensorsAttack, RefusesEveryTruncation) {
  const std::string whole = get(golden_file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(decode_safetensors(std::string_view(whole).substr(0, size), "file"), DataError) << size;
  }
  const ScratchFolder folder;
  put(folder / "half", whole.substr(0, whole.size() / 2));
  const std::string message = thrown<DataError>([&] { load_safetensors(folder / "half"); });
  EXPECT_EQ(message.find("[safetensors] '" + (folder / "half").string() + "': expected"), 0u) << message;
}

/// Each bit of a file is either noticed or changes nothing but the label of the checksum.
TEST(SafetensorsAttack, NoticesEveryFlippedBit) {
  const std::string whole = get(golden_file);
  const std::size_t label = whole.find("crc32");
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    try {
      const Safetensors file = decode_safetensors(bytes, "file");
      ++accepted;
      expect_same_tensors(file.tensors, linear_layer());
      EXPECT_TRUE(bit / 8 >= label && bit / 8 < label + 5) << "bit " << bit;
    } catch (const DataError&) {
    }
  }
  EXPECT_LE(accepted, 8u * 5u);
}

/// Mutations that keep most of the structure: values, brackets, lengths and offsets of a good file.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string mutate(std::string bytes) {
    for (std::uint64_t i = 1 + below(3); i > 0; --i) bytes = mutate_once(std::move(bytes));
    if (bytes.size() >= 8 && below(8) != 0) repair_length(bytes);
    return bytes;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::string mutate_once(std::string bytes) {
    static const std::vector<std::string> words{"0",
                                                "1",
                                                "8",
                                                "18446744073709551615",
                                                "9223372036854775808",
                                                "4294967296",
                                                "-1",
                                                "1e9",
                                                "null",
                                                "true",
                                                "[]",
                                                "{}",
                                                "[",
                                                "]",
                                                "{",
                                                "}",
                                                ",",
                                                ":",
                                                "\"",
                                                "\"F32\"",
                                                "\"F64\"",
                                                "\"I8\"",
                                                "\"dtype\"",
                                                "\"shape\"",
                                                "\"w\"",
                                                "\"data_offsets\"",
                                                "\"__metadata__\"",
                                                "\"crc32\"",
                                                "\\u0000",
                                                "\\ud800",
                                                "\xff",
                                                " "};
    const std::size_t end = bytes.rfind('}') == std::string::npos ? bytes.size() : bytes.rfind('}') + 1;
    const std::size_t at = std::min<std::size_t>(8 + below(std::max<std::size_t>(end, 9) - 8), bytes.size());
    switch (below(7)) {
      case 0:
        return bytes.insert(at, words[below(words.size())]);
      case 1:
        return bytes.erase(at, below(8));
      case 2:
        return replace_number(std::move(bytes), at, words[below(8)]);
      case 3:
        return bytes.insert(at, bytes.substr(below(bytes.size() + 1), below(80)));
      case 4:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random_());
        return bytes;
      case 5:
        return bytes.substr(0, bytes.size() - std::min<std::size_t>(bytes.size(), below(20)));
      default:
        return bytes + std::string(below(20), '\0');
    }
  }

  static std::string replace_number(std::string bytes, std::size_t near, const std::string& number) {
    const std::size_t begin = bytes.find_first_of("0123456789", near);
    if (begin == std::string::npos) return bytes;
    return bytes.replace(begin, bytes.find_first_not_of("0123456789", begin) - begin, number);
  }

  /// So that most mutants come past the first check.
  static void repair_length(std::string& bytes) {
    const std::uint64_t length = std::max<std::size_t>(bytes.rfind('}') + 1, 8) - 8;
    std::memcpy(bytes.data(), &length, sizeof(length));
  }

  std::mt19937_64 random_;
};

/// Whatever comes in: a refusal, or a file that can be written and read again.
TEST(SafetensorsAttack, TenThousandMutants) {
  const std::string with_checksum = get(golden_file);
  const std::string without = file_of(
      R"({"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"v":{"dtype":"F64","shape":[0],"data_offsets":[8,8]}})",
      8);
  std::size_t accepted = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    const std::string bytes = Mutator(seed).mutate(seed % 4 == 0 ? with_checksum : without);
    try {
      const Safetensors file = decode_safetensors(bytes, "mutant");
      ++accepted;
      expect_same_tensors(
          decode_safetensors(encode_safetensors(file.tensors, file.metadata), "again").tensors, file.tensors);
    } catch (const DataError& error) {
      EXPECT_EQ(std::string(error.what()).find("[safetensors] 'mutant': expected "), 0u) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
  EXPECT_GT(accepted, 100u) << "the mutations are too coarse to test what is accepted";
  EXPECT_LT(accepted, 5'000u) << "the mutations are too fine to test what is refused";
}

}  // namespace
}  // namespace elbow::test
