#pragma once
// Pictures with the factors that made them, rendered here or brought by the user.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/types.h"

namespace elbow {

struct ImageSet {
  Index samples = 0, height = 0, width = 0, channels = 0;
  /// (samples, height, width, channels), row-major, 0 to 255. Memory or a mapped file, which lives as long as
  /// a copy of this pointer does.
  std::shared_ptr<const std::uint8_t> images;
  std::vector<std::string> factor_names;  ///< empty where the factors are not known
  std::vector<double> factors;            ///< (samples, factor_names.size()), finite, no column constant

  /// Of one picture.
  Index bytes() const { return height * width * channels; }
  const std::uint8_t* image(Index sample) const { return images.get() + sample * bytes(); }
};

}  // namespace elbow
