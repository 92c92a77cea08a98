// The pictures of Fig. 5 against Spriteworld's own (tests/golden/sprites.json, .zlib), and the data made of them.
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/sprite_set.h"
#include "kernels/error.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

constexpr Index side = 64;
constexpr std::size_t pixels = side * side * 3;

std::vector<std::uint8_t> golden_images(std::size_t count) {
  const std::string packed = get(ELBOW_SOURCE_DIR "/tests/golden/sprites.zlib");
  std::vector<std::uint8_t> images(count * pixels);
  uLongf size = images.size();
  EXPECT_EQ(uncompress(images.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()),
            Z_OK);
  EXPECT_EQ(size, images.size());
  return images;
}

/// Two grey levels were asked for. What is left comes from the polygon's edges, whose pixels on the large canvas are not
/// always Pillow's: a pixel of 25 and its part of the filter, 255 / 25 and a little more.
TEST(Sprite, IsSpriteworlds) {
  const nlohmann::json sprites = nlohmann::json::parse(get(ELBOW_SOURCE_DIR "/tests/golden/sprites.json"));
  const std::vector<std::uint8_t> expected = golden_images(sprites.size());
  std::vector<std::uint8_t> image(pixels);
  std::set<std::string> shapes;
  double difference = 0;
  int largest = 0;
  for (std::size_t i = 0; i < sprites.size(); ++i) {
    const auto& s = sprites[i];
    shapes.insert(s["shape"]);
    draw_sprite(sprite_outline(s["shape"]), {s["x"], s["y"], s["scale"], s["hue"], s["angle"]}, side,
                image.data());
    for (std::size_t k = 0; k < pixels; ++k) {
      const int off = std::abs(image[k] - expected[i * pixels + k]);
      difference += off;
      largest = std::max(largest, off);
    }
  }
  EXPECT_EQ(shapes.size(), sprite_shapes().size());
  EXPECT_LE(difference / static_cast<double>(expected.size()), 0.01);
  EXPECT_LE(largest, 40);
}

TEST(Sprite, IsCutOffAtTheEdges) {
  std::vector<std::uint8_t> image(pixels, 7);
  draw_sprite(sprite_outline("square"), {0, 0, 0.5, 0, 0}, side, image.data());
  EXPECT_EQ(image[(side - 1) * side * 3], 255) << "the lower left corner is red";
  EXPECT_EQ(image[0], 0) << "the upper one black";
  draw_sprite(sprite_outline("square"), {3, 3, 0.1, 0, 0}, side, image.data());
  EXPECT_EQ(std::count(image.begin(), image.end(), 0), static_cast<long>(pixels))
      << "outside there is nothing to see";
}

TEST(Sprite, NamesTheShapesThereAre) {
  EXPECT_EQ(thrown<UsageError>([] { sprite_outline("heptagon"); }),
            "shape: expected one of triangle, square, pentagon, hexagon, octagon, circle, star_4, star_5, "
            "star_6, got "
            "'heptagon'");
}

/// Mean and variance within five standard errors.
TEST(SpriteSet, FactorsAreBetaDistributed) {
  constexpr int count = 20000;
  for (const auto& [alpha, beta] : {std::pair<double, double>{2, 15}, {7.3, 2.1}, {1, 1}}) {
    double sum = 0, squares = 0, fourth = 0;
    const double mean = alpha / (alpha + beta);
    const double variance = mean * (1 - mean) / (alpha + beta + 1);
    for (int i = 0; i < count; ++i) {
      const double b = beta_variate(5, 2, static_cast<std::uint32_t>(i), alpha, beta);
      ASSERT_TRUE(b > 0 && b < 1);
      sum += b;
      squares += (b - mean) * (b - mean);
      fourth += std::pow(b - mean, 4);
    }
    EXPECT_NEAR(sum / count, mean, 5 * std::sqrt(variance / count));
    EXPECT_NEAR(squares / count, variance, 5 * std::sqrt((fourth / count - variance * variance) / count));
  }
}

TEST(SpriteSet, IsAFunctionOfItsSeed) {
  Workers one(1), three(3);
  const SpriteSet set = sprite_set(4, 600, {}, one), again = sprite_set(4, 600, {}, three),
                  other = sprite_set(5, 600, {}, one);
  EXPECT_EQ(set.names, (std::vector<std::string>{"x", "y", "scale", "hue"}));
  EXPECT_EQ(set.images.shape(), (Shape{600, 64 * 64 * 3}));
  EXPECT_EQ(set.factors, again.factors);
  EXPECT_EQ(set.images.to_vector<float>(), again.images.to_vector<float>());
  EXPECT_NE(set.factors, other.factors);
}

/// A shear and a perspective: the columns of the picture's Jacobian by x and y are not orthogonal.
TEST(SpriteSet, DistortionsLeaveTheImaClass) {
  const auto products = [](Distortion distortion) {
    SpriteSetConfig config;
    config.distortion = distortion;
    const auto at = [&](double x, double y) {
      const double factors[] = {x, y, 0.5, 0.5};
      return sprite_of(factors, config);
    };
    constexpr double h = 1e-5;
    const Sprite middle = at(0.7, 0.8), right = at(0.7 + h, 0.8), above = at(0.7, 0.8 + h);
    return ((right.x - middle.x) * (above.x - middle.x) + (right.y - middle.y) * (above.y - middle.y)) /
           (h * h);
  };
  EXPECT_NEAR(products(Distortion::none), 0, 1e-6);
  EXPECT_GT(std::abs(products(Distortion::affine)), 0.05);
  EXPECT_GT(std::abs(products(Distortion::projective)), 0.01);
}

TEST(SpriteSet, AnglesAreAFifthFactor) {
  Workers workers(1);
  SpriteSetConfig config;
  config.turns = true;
  config.shape = "star_5";
  config.size = 32;
  const SpriteSet set = sprite_set(1, 3, config, workers);
  EXPECT_EQ(set.names.back(), "angle");
  EXPECT_EQ(set.images.shape(), (Shape{3, 32 * 32 * 3}));
  EXPECT_EQ(set.factors.size(), 15u);
}

}  // namespace
}  // namespace elbow::test
