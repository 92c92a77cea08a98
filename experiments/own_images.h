#pragma once
// The user's own pictures.
#include <filesystem>

#include "experiments/image_set.h"

namespace elbow {

/// Reads an .npz with the arrays `images`, (n, height, width, channels) of uint8, and optionally `factors`,
/// (n, d) of float64, float32 or uint8, whose columns are named factor_1 to factor_d; or an .npy with the
/// pictures alone. In memory there are the file and, where `images` is deflated, the pictures beside it.
/// Messages call it --data.
///
/// Throws DataError: whatever ArrayFile does not read; no `images`, or of another element type or number of
/// axes; height or width that is no multiple of 16; channels other than 1 or 3; factors of another length, a
/// factor that is not finite, or one that is the same for all pictures.
ImageSet read_images(const std::filesystem::path& path);

}  // namespace elbow
