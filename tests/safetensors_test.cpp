#include "engine/safetensors.h"

#include <gtest/gtest.h>

#include <random>

#include "kernels/error.h"
#include "tests/safetensors_cases.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

TEST(Safetensors, ReadsWhatPythonWrote) {
  const Safetensors file = load_safetensors(golden_file);
  expect_same_tensors(file.tensors, linear_layer());
  EXPECT_EQ(file.metadata, linear_metadata());
}

TEST(Safetensors, WritesWhatPythonWrites) {
  const ScratchFolder folder;
  save_safetensors(folder / "file", linear_layer(), linear_metadata());
  EXPECT_EQ(get(folder / "file"), get(golden_file));
}

TEST(Safetensors, FindByName) {
  const Tensors tensors = linear_layer();
  EXPECT_EQ(&find(tensors, "scale"), &tensors[2].tensor);
  EXPECT_EQ(thrown<DataError>([&] { find(tensors, "0.weights"); }),
            "[safetensors] expected a tensor '0.weights', found '0.weight, 0.bias, scale, nothing, losses'");
}

/// Random names, types, shapes (empty, scalar, five axes) and bit patterns come back as they were.
TEST(Safetensors, RoundTrip) {
  std::mt19937_64 random(1);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  for (int repeat = 0; repeat < 300; ++repeat) {
    Tensors tensors;
    for (std::uint64_t i = below(6); i > 0; --i) {
      Shape shape;
      for (std::uint64_t axes = below(max_rank + 1); axes > 0; --axes)
        shape.append(static_cast<Index>(below(5)));
      const Tensor tensor(shape, below(2) == 0 ? DType::float32 : DType::float64);
      auto* bytes = static_cast<unsigned char*>(tensor.address());
      for (std::size_t k = 0; k < tensor.bytes(); ++k) bytes[k] = static_cast<unsigned char>(random());
      tensors.push_back({"tensor \"" + std::to_string(random()) + "\\ü", tensor});
    }
    Metadata metadata;
    for (std::uint64_t i = below(4); i > 0; --i)
      metadata[std::to_string(random())] = std::string(below(40), '\n');
    const std::string bytes = encode_safetensors(tensors, metadata);
    EXPECT_EQ(encode_safetensors(tensors, metadata), bytes);
    const Safetensors file = decode_safetensors(bytes, "file");
    expect_same_tensors(file.tensors, tensors);
    EXPECT_EQ(file.metadata, metadata);
  }
}

TEST(Safetensors, DataAreAligned) {
  const std::string bytes = encode_safetensors(linear_layer(), {});
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ(length % 8, 0u);
  EXPECT_NE(bytes.find(R"("scale":{"dtype":"F64","shape":[],"data_offsets":[0,8]})"), std::string::npos);
  EXPECT_NE(bytes.find(R"("losses":{"dtype":"F64","shape":[2],"data_offsets":[8,24]})"), std::string::npos);
}

TEST(Safetensors, FilesOfOthersNeedNoChecksum) {
  const Safetensors file =
      decode_safetensors(file_of(R"( )", 0).substr(0, 0) +
                             file_of(R"({ "w": {"data_offsets": [0, 8], "shape": [2], "dtype": "F32"}})", 8),
                         "file");
  ASSERT_EQ(file.tensors.size(), 1u);
  EXPECT_EQ(file.tensors[0].tensor.shape(), Shape({2}));
  EXPECT_TRUE(file.metadata.empty());
  EXPECT_TRUE(decode_safetensors(file_of("{}"), "file").tensors.empty());
}

TEST(Safetensors, RefusesToWrite) {
  const Tensor one = Tensor::full({1}, DType::float32, 1);
  const auto write = [](const Tensors& tensors, const Metadata& metadata = {}) {
    return thrown<UsageError>([&] { encode_safetensors(tensors, metadata); });
  };
  EXPECT_EQ(write({{"w", one}, {"w", one}}), "[safetensors] two tensors are named 'w'");
  for (const char* name : {"", "a\n", "../a", "__metadata__"}) {
    EXPECT_EQ(
        write({{name, one}}).find("[safetensors] expected a name without control characters and '..', got '"),
        0u)
        << name;
  }
  EXPECT_EQ(write({{"w", Tensor()}}), "[safetensors] undefined tensor 'w'");
  EXPECT_EQ(write({{"w", Tensor({1}, DType::complex128)}}),
            "[safetensors] expected float32 or float64, got complex128 'w'");
  EXPECT_EQ(write({}, {{"crc32", "0"}}), "[safetensors] metadata 'crc32' is the file's own");
  EXPECT_EQ(write({{"\xff", one}}), "[safetensors] a name or metadata is not UTF-8");
  EXPECT_EQ(write({}, {{"note", "\xc3"}}), "[safetensors] a name or metadata is not UTF-8");
  EXPECT_EQ(write({}, {{"note", std::string(1 << 20, 'x')}})
                .find("[safetensors] expected names and metadata of at most"),
            0u);
}

}  // namespace
}  // namespace elbow::test
