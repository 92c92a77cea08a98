#include "experiments/own_images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "engine/files.h"
#include "experiments/array_file.h"
#include "kernels/error.h"

namespace elbow {
namespace {

constexpr std::string_view images_name = "images", factors_name = "factors";

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path), file_(path) {}

  ImageSet read() {
    ImageSet set;
    read_images(set);
    if (file_.contains(factors_name)) read_factors(set);
    return set;
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found,
                           const std::string& advice) const {
    throw DataError(fmt::format("[--data] {}: expected {}, found {}; {}",
                                in_quotes(path_.string(), std::string::npos), expected, found, advice));
  }

  void read_images(ImageSet& set) const {
    const std::vector<std::string> names = file_.names();
    const bool is_alone = names.size() == 1 && names[0].empty();
    if (!is_alone && !file_.contains(images_name)) {
      refuse("an array 'images'",
             names.empty() ? "none" : in_quotes(fmt::format("{}", fmt::join(names, ", "))),
             "save by numpy.savez(FILE, images=..., factors=...)");
    }
    const FileArray images = file_.read(is_alone ? "" : images_name);
    if (images.element != FileArray::Element::uint8) {
      refuse("images of uint8", std::string(name(images.element)),
             "convert them to 0 .. 255 and by numpy's astype");
    }
    if (images.shape.size() != 4) {
      refuse("images (n, height, width, channels)", fmt::format("({})", fmt::join(images.shape, ", ")),
             "grey pictures have an axis of one channel too");
    }
    set.samples = images.shape[0];
    set.height = images.shape[1];
    set.width = images.shape[2];
    set.channels = images.shape[3];
    verify_size(set);
    set.images = {images.data.owner, reinterpret_cast<const std::uint8_t*>(images.data.bytes.data())};
  }

  void verify_size(const ImageSet& set) const {
    const auto fits = [](Index extent) { return extent > 0 && extent % 16 == 0; };
    if (set.samples < 1) refuse("at least one picture", "none", "save at least one");
    if (!fits(set.height) || !fits(set.width)) {
      refuse("pictures whose height and width are multiples of 16",
             fmt::format("{} x {} pixels", set.height, set.width), "cut, fill up or resize them");
    }
    if (set.channels != 1 && set.channels != 3) {
      refuse("pictures of 1 or 3 channels", fmt::format("{}", set.channels),
             "the last axis is that of the channels; leave out transparency");
    }
  }

  void read_factors(ImageSet& set) const {
    const FileArray factors = file_.read(factors_name);
    if (factors.shape.size() != 2 || factors.shape[0] != set.samples || factors.shape[1] < 1) {
      refuse(fmt::format("factors ({}, d), a row for each picture", set.samples),
             fmt::format("({})", fmt::join(factors.shape, ", ")),
             "save one row for each picture or no factors");
    }
    set.factors = to_doubles(factors);
    const auto columns = static_cast<std::size_t>(factors.shape[1]);
    for (std::size_t column = 0; column < columns; ++column) {
      set.factor_names.push_back(fmt::format("factor_{}", column + 1));
      verify_factor(set.factors, column, columns);
    }
  }

  void verify_factor(const std::vector<double>& factors, std::size_t column, std::size_t columns) const {
    bool is_constant = true;
    for (std::size_t i = column; i < factors.size(); i += columns) {
      if (!std::isfinite(factors[i])) {
        refuse("factors that are finite",
               fmt::format("{} in row {}, column {}", factors[i], i / columns, column),
               "rows and columns count from 0; leave out such pictures");
      }
      is_constant = is_constant && factors[i] == factors[column];
    }
    if (is_constant) {
      refuse("factors that differ between pictures",
             fmt::format("{} in all rows of column {}", factors[column], column),
             "columns count from 0; leave the column out");
    }
  }

  const std::filesystem::path& path_;
  ArrayFile file_;
};

}  // namespace

ImageSet read_images(const std::filesystem::path& path) { return Reader(path).read(); }

}  // namespace elbow
