#pragma once
// How this program was built; the definition is generated, experiments/build_info.cmake.
#include <string>

namespace elbow {

struct BuildInfo {
  const char* version;   ///< "0.1.0"
  const char* revision;  ///< abbreviated commit, "unknown" outside a repository
  bool modified;         ///< the working tree differed from that commit
  const char* compiler;  ///< "GNU 12.2.0"
  const char* flags;
};

const BuildInfo& build_info();

/// "0.1.0 (0f893c6, modified)"
std::string version_text();

}  // namespace elbow
