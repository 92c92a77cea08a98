#include "experiments/own_images.h"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/error.h"
#include "tests/array_cases.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

constexpr int samples = 3, height = 32, width = 16;

std::string pixels(int channels) {
  std::string bytes;
  for (int i = 0; i < samples * height * width * channels; ++i) bytes += static_cast<char>(i * 31);
  return bytes;
}

std::string images(const std::string& shape = "(3, 32, 16, 3)", int channels = 3) {
  return npy("|u1", shape, pixels(channels));
}

ImageSet read(const std::string& bytes) {
  const ScratchFolder folder;
  put(folder / "f", bytes);
  return read_images(folder / "f");
}

/// The message without the file's name.
std::string error_of(const std::string& bytes) {
  const std::string message = thrown<DataError>([&] { read(bytes); });
  const std::string before = "[--data] '", after = "/f': ";
  EXPECT_TRUE(message.starts_with(before)) << message;
  const std::size_t at = message.find(after);
  return at == message.npos ? message : message.substr(at + after.size());
}

TEST(OwnImages, WithFactorsAndWithout) {
  const std::vector<double> factors = {0.5, 1, 2, -1, 0.25, 7};
  for (const bool is_deflated : {false, true}) {
    const ImageSet set = read(zip_of({{"factors.npy", npy("<f8", "(3, 2)", raw(factors)), is_deflated},
                                      {"images.npy", images(), is_deflated}}));
    EXPECT_EQ(set.samples, samples);
    EXPECT_EQ(set.height, height);
    EXPECT_EQ(set.width, width);
    EXPECT_EQ(set.channels, 3);
    EXPECT_EQ(set.bytes(), height * width * 3);
    EXPECT_EQ(std::string(set.image(0), set.image(samples)),
              std::string(reinterpret_cast<const char*>(pixels(3).data()), pixels(3).size()));
    EXPECT_EQ(set.factor_names, (std::vector<std::string>{"factor_1", "factor_2"}));
    EXPECT_EQ(set.factors, factors);
  }
  for (const std::string& bytes :
       {images("(3, 32, 16, 1)", 1), zip_of({{"images.npy", images("(3, 32, 16, 1)", 1)}})}) {
    const ImageSet set = read(bytes);
    EXPECT_EQ(set.channels, 1);
    EXPECT_EQ(set.image(2)[width * height - 1],
              static_cast<std::uint8_t>((samples * height * width - 1) * 31));
    EXPECT_TRUE(set.factor_names.empty());
    EXPECT_TRUE(set.factors.empty());
  }
}

TEST(OwnImages, SaysWhatIsWrongWithImages) {
  const std::pair<std::string, std::string> cases[] = {
      {zip_of({{"imgs.npy", images()}, {"labels.npy", images()}}),
       "expected an array 'images', found 'imgs, labels'; save by numpy.savez(FILE, images=..., "
       "factors=...)"},
      {zip_of({{"readme", "text"}}),
       "expected an array 'images', found none; save by numpy.savez(FILE, images=..., factors=...)"},
      {npy("<f4", "(1, 16, 16, 1)", std::string(1024, '\0')),
       "expected images of uint8, found float32; convert them to 0 .. 255 and by numpy's astype"},
      {images("(3, 32, 48)"),
       "expected images (n, height, width, channels), found (3, 32, 48); grey pictures have an axis of one "
       "channel too"},
      {npy("|u1", "(0, 32, 32, 3)", ""), "expected at least one picture, found none; save at least one"},
      {images("(3, 24, 64, 1)"),
       "expected pictures whose height and width are multiples of 16, found 24 x 64 pixels; cut, fill up or "
       "resize them"},
      {images("(3, 64, 8, 3)"),
       "expected pictures whose height and width are multiples of 16, found 64 x 8 pixels; cut, fill up or "
       "resize them"},
      {npy("|u1", "(3, 0, 16, 3)", ""),
       "expected pictures whose height and width are multiples of 16, found 0 x 16 pixels; cut, fill up or "
       "resize them"},
      {images("(3, 16, 16, 6)"),
       "expected pictures of 1 or 3 channels, found 6; the last axis is that of the channels; leave out "
       "transparency"},
  };
  for (const auto& [bytes, message] : cases) EXPECT_EQ(error_of(bytes), message);
}

TEST(OwnImages, SaysWhatIsWrongWithFactors) {
  const auto with = [](const std::string& factors) {
    return zip_of({{"images.npy", images()}, {"factors.npy", factors}});
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::string one_row_each = "; save one row for each picture or no factors";
  const std::pair<std::string, std::string> cases[] = {
      {with(npy("<f8", "(2, 1)", raw(std::vector<double>{1, 2}))),
       "expected factors (3, d), a row for each picture, found (2, 1)" + one_row_each},
      {with(npy("<f8", "(3,)", raw(std::vector<double>{1, 2, 3}))),
       "expected factors (3, d), a row for each picture, found (3)" + one_row_each},
      {with(npy("<f8", "(3, 0)", "")),
       "expected factors (3, d), a row for each picture, found (3, 0)" + one_row_each},
      {with(npy("<f8", "(3, 2)", raw(std::vector<double>{1, 2, 3, 4, 5, nan}))),
       "expected factors that are finite, found nan in row 2, column 1; rows and columns count from 0; leave "
       "out "
       "such pictures"},
      {with(npy("<f4", "(3, 1)", raw(std::vector<float>{1, infinity, 2}))),
       "expected factors that are finite, found inf in row 1, column 0; rows and columns count from 0; leave "
       "out "
       "such pictures"},
      {with(npy("|u1", "(3, 2)", "\1\7\2\7\3\7")),
       "expected factors that differ between pictures, found 7 in all rows of column 1; columns count from "
       "0; "
       "leave the column out"},
  };
  for (const auto& [bytes, message] : cases) EXPECT_EQ(error_of(bytes), message);
}

}  // namespace
}  // namespace elbow::test
