// ctest labels: threads
#include "experiments/sprite_set.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "experiments/metrics.h"
#include "experiments/statistics.h"
#include "kernels/error.h"
#include "tests/thrown.h"

namespace elbow {
namespace {

using test::thrown;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

std::vector<double> column(const std::vector<double>& table, std::size_t columns, std::size_t which) {
  std::vector<double> values;
  for (std::size_t i = which; i < table.size(); i += columns) values.push_back(table[i]);
  return values;
}

/// E b^k of Beta(alpha, beta).
double moment(const BetaShape& shape, int k) {
  double product = 1;
  for (int i = 0; i < k; ++i) product *= (shape.alpha + i) / (shape.alpha + shape.beta + i);
  return product;
}

/// A mean of b^k over n samples has the variance (E b^2k - (E b^k)^2) / n; 5 of its roots are exceeded once
/// in two million times.
void expect_moments(const std::vector<double>& samples, const BetaShape& shape) {
  for (int k = 1; k <= 4; ++k) {
    double sum = 0;
    for (const double b : samples) sum += std::pow(b, k);
    const double n = static_cast<double>(samples.size()), expected = moment(shape, k);
    const double deviation = std::sqrt((moment(shape, 2 * k) - expected * expected) / n);
    EXPECT_NEAR(sum / n, expected, 5 * deviation)
        << "moment " << k << " of Beta(" << shape.alpha << ", " << shape.beta << ")";
  }
}

TEST(BetaVariates, HaveTheMomentsOfTheDistribution) {
  for (const BetaShape shape : {BetaShape{1, 1}, {2, 15}, {15, 2}, {2.5, 2.5}, {9.3, 4.1}}) {
    std::vector<double> samples, mirrored;
    for (std::uint32_t sample = 0; sample < 20'000; ++sample) {
      samples.push_back(beta_variate(shape, {3, Stream::test, 4, sample}));
      mirrored.push_back(1 - samples.back());
      ASSERT_TRUE(samples.back() > 0 && samples.back() < 1);
    }
    expect_moments(samples, shape);
    expect_moments(mirrored, {shape.beta, shape.alpha});
  }
}

TEST(Sprites, FactorsAreTheExperiments) {
  SpriteSettings settings;
  settings.seed = 4;
  settings.samples = 10'000;
  settings.angle = true;
  EXPECT_EQ(factor_names(settings), (std::vector<std::string>{"x", "y", "scale", "hue", "angle"}));
  const double low[] = {0.2, 0.2, 0.11, 0, 0}, width[] = {0.55, 0.55, 0.09, 1, 360};
  const std::vector<double> factors = sprite_factors(settings);
  const std::vector<BetaShape> shapes = beta_shapes(settings);
  ASSERT_EQ(factors.size(), 50'000u);
  ASSERT_EQ(shapes.size(), 5u);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    EXPECT_TRUE(shapes[i].alpha > 2 && shapes[i].alpha < 15);
    EXPECT_TRUE(shapes[i].beta > 2 && shapes[i].beta < 15);
    std::vector<double> b = column(factors, 5, i);
    for (double& value : b) value = (value - low[i]) / width[i];
    expect_moments(b, shapes[i]);
  }
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      // A correlation of independent samples has the deviation 1 / sqrt(n).
      EXPECT_NEAR(pearson(column(factors, 5, i), column(factors, 5, k)).value(), 0, 5 / std::sqrt(10'000.0));
    }
  }
}

TEST(Sprites, AFactorDependsOnNothingElse) {
  SpriteSettings settings;
  settings.samples = 50;
  const std::vector<double> factors = sprite_factors(settings);
  SpriteSettings other = settings;
  other.angle = true;
  other.samples = 70;
  const std::vector<double> others = sprite_factors(other);
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<double> same = column(others, 5, i);
    same.resize(50);
    EXPECT_EQ(column(factors, 4, i), same);
  }
  other = settings;
  other.seed = 2;
  EXPECT_NE(sprite_factors(other), factors);
  EXPECT_NE(beta_shapes(other)[0].alpha, beta_shapes(settings)[0].alpha);
}

TEST(Sprites, BytesDoNotDependOnThreads) {
  SpriteSettings settings;
  settings.samples = 40;
  settings.size = 32;
  settings.shape = SpriteShape::star_5;
  settings.angle = true;
  const ImageSet one = render_sprites(settings, 1);
  EXPECT_EQ(one.samples, 40);
  EXPECT_EQ(one.height, 32);
  EXPECT_EQ(one.width, 32);
  EXPECT_EQ(one.channels, 3);
  EXPECT_EQ(one.factor_names.size(), 5u);
  EXPECT_EQ(one.factors, sprite_factors(settings));
  for (const int threads : {3, 64}) {
    const ImageSet several = render_sprites(settings, threads);
    EXPECT_TRUE(std::equal(one.image(0), one.image(40), several.image(0), several.image(40))) << threads;
  }
}

TEST(Sprites, PicturesShowTheirFactors) {
  SpriteSettings settings;
  settings.samples = 3;
  settings.angle = true;
  settings.distortion = Distortion::projective;
  const ImageSet set = render_sprites(settings, 1);
  const SpriteRenderer renderer(64);
  std::vector<std::uint8_t> picture(renderer.bytes());
  for (Index i = 0; i < 3; ++i) {
    const double* const row = &set.factors[static_cast<std::size_t>(5 * i)];
    const Point at = distorted(Distortion::projective, {row[0], row[1]});
    renderer.render({SpriteShape::triangle, at.x, at.y, row[2], row[3], row[4]}, picture.data());
    EXPECT_TRUE(std::equal(picture.begin(), picture.end(), set.image(i)));
  }
}

/// Of the map at a position, by central differences; (2, 2).
std::vector<double> jacobian(Distortion distortion, Point at) {
  constexpr double h = 1e-5;
  const Point right = distorted(distortion, {at.x + h, at.y}), left = distorted(distortion, {at.x - h, at.y});
  const Point above = distorted(distortion, {at.x, at.y + h}),
              below = distorted(distortion, {at.x, at.y - h});
  return {(right.x - left.x) / (2 * h), (above.x - below.x) / (2 * h), (right.y - left.y) / (2 * h),
          (above.y - below.y) / (2 * h)};
}

TEST(Distortions, StayInThePictureAndLeaveTheImaClass) {
  constexpr double low = 0.2, high = 0.75;
  for (const Distortion distortion : {Distortion::affine, Distortion::projective}) {
    for (int i = 0; i <= 20; ++i) {
      for (int k = 0; k <= 20; ++k) {
        const Point at{low + (high - low) * i / 20, low + (high - low) * k / 20};
        const Point drawn = distorted(distortion, at);
        for (const double coordinate : {drawn.x, drawn.y}) {
          EXPECT_GE(coordinate, low - 4 * epsilon);
          EXPECT_LE(coordinate, high + 4 * epsilon);
        }
        // Differences of error h^2 and epsilon / h.
        const double here = c_ima(jacobian(distortion, at), 2).value();
        if (distortion == Distortion::affine) {
          EXPECT_NEAR(here, std::log(5.0 / 3), 1e-9);
        }
        EXPECT_GT(here, 0.05) << at.x << ", " << at.y;
      }
    }
  }
  const Point centre = distorted(Distortion::projective, {0.475, 0.475});
  EXPECT_NEAR(centre.x, 0.475, epsilon);
  EXPECT_NEAR(centre.y, 0.475, epsilon);
  const Point same = distorted(Distortion::none, {0.3, 0.6});
  EXPECT_EQ(same.x, 0.3);
  EXPECT_EQ(same.y, 0.6);
}

TEST(Distortions, HaveNames) {
  EXPECT_EQ(sprite_distortion("affine"), Distortion::affine);
  EXPECT_EQ(name(Distortion::projective), "projective");
  EXPECT_EQ(thrown<UsageError>([] { sprite_distortion("shear"); }),
            "[sprites] expected a distortion of none, affine, projective, got 'shear'");
}

TEST(Sprites, RefuseSettingsOutOfRange) {
  const auto message = [](Index samples, Index size) {
    SpriteSettings settings;
    settings.samples = samples;
    settings.size = size;
    return thrown<UsageError>([&] { render_sprites(settings, 1); });
  };
  EXPECT_EQ(message(1, 40), "[sprites] expected pictures of a multiple of 16 pixels up to 1024, got 40");
  EXPECT_EQ(message(1, 0), "[sprites] expected pictures of a multiple of 16 pixels up to 1024, got 0");
  EXPECT_EQ(message(1, 2048), "[sprites] expected pictures of a multiple of 16 pixels up to 1024, got 2048");
  EXPECT_EQ(message(0, 64), "[sprites] expected 1 to 4294967295 samples, got 0");
}

}  // namespace
}  // namespace elbow
