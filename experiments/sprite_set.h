#pragma once
// The data of Fig. 5: pictures of one sprite whose position, scale and hue, and on request angle, are drawn
// independently.
#include <array>
#include <span>
#include <string_view>

#include "experiments/beta_variates.h"
#include "experiments/image_set.h"
#include "experiments/sprite_renderer.h"

namespace elbow {

/// What becomes of a position before the sprite is drawn there. Moving a sprite along x and along y changes
/// the picture in directions that are nearly orthogonal; along the columns of a sheared map they are not, and
/// so the mixing leaves the IMA class, while sources and pictures stay as many and as varied.
///
/// u = ((x, y) - 0.475) / 0.55 is in the square (-1/2, 1/2)^2 and stays in it:
///   affine      M u, M = [2/3 1/3; 1/3 2/3]: the cosine of the columns' angle is 0.8, c_IMA(M) = 0.51
///   projective  M u / (1 + (u_1 - u_2) / 2): parallels meet too, and the angle differs from place to place
enum class Distortion { none, affine, projective };
inline constexpr std::array<std::string_view, 3> distortion_names = {"none", "affine", "projective"};
std::string_view name(Distortion);
/// Throws UsageError with the names there are.
Distortion sprite_distortion(std::string_view name);

/// Where a sprite is drawn that has its position as factors. Both in widths of the picture.
Point distorted(Distortion distortion, Point position);

/// All that decides the bytes of a data set.
struct SpriteSettings {
  std::uint64_t seed = 1;
  Index samples = 60000;
  Index size = 64;  ///< height and width in pixels, a multiple of 16 up to 1024
  SpriteShape shape = SpriteShape::triangle;
  bool angle = false;  ///< whether the angle is a factor; it is 0 otherwise
  Distortion distortion = Distortion::none;
};

/// Throws UsageError for a size or a number of samples, 1 to 2^32 - 1, out of range.
void verify(const SpriteSettings& settings);

/// x, y, scale, hue, and angle if it is a factor: the columns of factors, d in all.
std::vector<std::string> factor_names(const SpriteSettings& settings);

/// Of each factor: alpha, beta ~ U(2, 15), from the counter (Stream::mixing, 0, factor, 0), words 0 and 1.
std::vector<BetaShape> beta_shapes(const SpriteSettings& settings);

/// x = 0.2 + 0.55 b, y = 0.2 + 0.55 b, scale = 0.11 + 0.09 b, hue = b, angle = 360 b degrees, each with a b ~
/// Beta(alpha, beta) of its own, beta_variate at (Stream::sources, step = factor, sample). (samples, d). One
/// factor's numbers do not depend on which others there are, a sample's not on how many. A shape that is the
/// same after a turn by 360 / n degrees shows the angle n times over.
std::vector<double> sprite_factors(const SpriteSettings& settings);

/// The pictures of rows of sprite_factors, as many as `factors` holds, (rows, size, size, 3) bytes; the
/// number of threads changes nothing but time.
void render_sprites(const SpriteSettings& settings, std::span<const double> factors, int threads,
                    std::uint8_t* pictures);

/// The whole data set in memory. Throws UsageError as verify does.
ImageSet render_sprites(const SpriteSettings& settings, int threads);

}  // namespace elbow
