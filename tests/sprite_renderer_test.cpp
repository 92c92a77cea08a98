#include "experiments/sprite_renderer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "experiments/array_file.h"
#include "kernels/error.h"
#include "tests/thrown.h"

namespace elbow {
namespace {

using test::thrown;

std::vector<std::uint8_t> render(int size, const Sprite& sprite) {
  const SpriteRenderer renderer(size);
  std::vector<std::uint8_t> picture(renderer.bytes(), 7);
  renderer.render(sprite, picture.data());
  return picture;
}

/// A row of the golden file's factors.
Sprite sprite_of(const double* row) {
  return {static_cast<SpriteShape>(static_cast<int>(row[0])), row[1], row[2], row[3], row[4], row[5]};
}

/// Spriteworld's pictures, byte for byte; tests/golden/make_sprites.py.
TEST(SpriteRenderer, GivesTheReferencesBytes) {
  const ArrayFile golden(std::string(ELBOW_SOURCE_DIR) + "/tests/golden/sprites.npz");
  for (const int size : {64, 32}) {
    const FileArray pictures = golden.read("images_" + std::to_string(size));
    const std::vector<double> factors = to_doubles(golden.read("factors_" + std::to_string(size)));
    const auto count = static_cast<std::size_t>(pictures.shape[0]),
               bytes = pictures.data.bytes.size() / count;
    ASSERT_GE(count, sprite_shape_names.size());
    double total = 0;
    int largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Sprite sprite = sprite_of(&factors[6 * i]);
      const std::vector<std::uint8_t> picture = render(size, sprite);
      ASSERT_EQ(picture.size(), bytes);
      int largest_here = 0;
      for (std::size_t k = 0; k < bytes; ++k) {
        const auto expected = static_cast<std::uint8_t>(pictures.data.bytes[i * bytes + k]);
        const int difference = std::abs(picture[k] - expected);
        total += difference;
        largest_here = std::max(largest_here, difference);
      }
      EXPECT_EQ(largest_here, 0) << "grey levels, picture " << i << ", " << name(sprite.shape);
      largest = std::max(largest, largest_here);
    }
    std::cout << count << " pictures of " << size << " pixels: mean difference "
              << total / static_cast<double>(count * bytes) << " grey levels, largest " << largest << '\n';
  }
}

TEST(SpriteShapes, HaveArea1AroundTheOrigin) {
  for (const std::string_view shape_name : sprite_shape_names) {
    const std::vector<Point> corners = outline(sprite_shape(shape_name));
    double area = 0, x = 0, y = 0;
    for (std::size_t i = 0; i < corners.size(); ++i) {
      const Point a = corners[i], b = corners[(i + 1) % corners.size()];
      area += (a.x * b.y - a.y * b.x) / 2;
      x += a.x;
      y += a.y;
    }
    EXPECT_NEAR(area, 1, 1e-14) << shape_name;
    EXPECT_NEAR(x, 0, 1e-14) << shape_name;
    EXPECT_NEAR(y, 0, 1e-14) << shape_name;
  }
}

TEST(SpriteShapes, HaveNames) {
  EXPECT_EQ(sprite_shape("star_5"), SpriteShape::star_5);
  EXPECT_EQ(name(SpriteShape::spoke_6), "spoke_6");
  EXPECT_EQ(
      thrown<UsageError>([] { sprite_shape("heart"); }),
      "[sprites] expected a shape of triangle, square, pentagon, hexagon, octagon, circle, star_4, star_5, "
      "star_6, spoke_4, spoke_5, spoke_6, got 'heart'");
}

TEST(PolygonFill, CountsBothEndsOfARow) {
  const Pixel square[] = {{2, 1}, {5, 1}, {5, 3}, {2, 3}};
  const std::vector<PixelRun> runs = fill_polygon(square, 10);
  ASSERT_EQ(runs.size(), 3u);
  for (int row = 0; row < 3; ++row) {
    EXPECT_EQ(runs[static_cast<std::size_t>(row)].row, row + 1);
    EXPECT_EQ(runs[static_cast<std::size_t>(row)].first, 2);
    EXPECT_EQ(runs[static_cast<std::size_t>(row)].last, 5);
  }
}

TEST(PolygonFill, CutsAtTheCanvas) {
  const Pixel large[] = {{-7, -7}, {20, -7}, {20, 20}, {-7, 20}};
  const std::vector<PixelRun> runs = fill_polygon(large, 4);
  ASSERT_EQ(runs.size(), 4u);
  EXPECT_EQ(runs[3].row, 3);
  EXPECT_EQ(runs[3].first, 0);
  EXPECT_EQ(runs[3].last, 3);
  const Pixel beside[] = {{-7, -7}, {-3, -7}, {-3, 20}};
  EXPECT_TRUE(fill_polygon(beside, 4).empty());
}

TEST(Lanczos, KeepsWhatIsFull) {
  std::vector<PixelRun> runs;
  for (int row = 0; row < 80; ++row) runs.push_back({row, 0, 79});
  const Patch patch = Lanczos(16, 5).reduce(runs, 200);
  EXPECT_EQ(patch.width, 16);
  EXPECT_EQ(patch.height, 16);
  EXPECT_EQ(patch.bytes, std::vector<std::uint8_t>(256, 200));
  EXPECT_TRUE(Lanczos(16, 5).reduce({}, 200).bytes.empty());
}

TEST(SpriteRenderer, YPointsUpAndHueTurnsFromRedToRed) {
  const auto at = [](const std::vector<std::uint8_t>& picture, int row, int column) {
    return std::vector<int>(&picture[static_cast<std::size_t>(3 * (64 * row + column))],
                            &picture[static_cast<std::size_t>(3 * (64 * row + column) + 3)]);
  };
  const std::pair<double, std::vector<int>> hues[] = {{0, {255, 0, 0}},       {1.0 / 12, {255, 127, 0}},
                                                      {1.0 / 3, {0, 255, 0}}, {0.5, {0, 255, 255}},
                                                      {2.0 / 3, {0, 0, 255}}, {1, {255, 0, 0}}};
  for (const auto& [hue, expected] : hues) {
    const auto picture = render(64, {SpriteShape::square, 0.25, 0.75, 0.3, hue, 0});
    EXPECT_EQ(at(picture, 16, 16), expected) << hue;
    EXPECT_EQ(at(picture, 48, 16), (std::vector<int>{0, 0, 0}));
    EXPECT_EQ(at(picture, 16, 48), (std::vector<int>{0, 0, 0}));
  }
}

}  // namespace
}  // namespace elbow
