#include "experiments/build_info.h"

#include <fmt/format.h>

namespace elbow {

std::string version_text() {
  const BuildInfo& info = build_info();
  return fmt::format("{} ({}{})", info.version, info.revision, info.modified ? ", modified" : "");
}

}  // namespace elbow
