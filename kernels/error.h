#pragma once
// Everything elbow throws. Each class carries the exit code that a program ends with.
#include <stdexcept>
#include <string>

namespace elbow {

class Error : public std::runtime_error {
 public:
  Error(int exit_code, const std::string& message) : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

/// A wrong option, configuration key, shape or argument.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(2, message) {}
};
/// A file that cannot be read or written, or whose content is not what it should be.
struct DataError : Error {
  explicit DataError(const std::string& message) : Error(3, message) {}
};
/// A device that cannot be had, or that failed.
struct DeviceError : Error {
  explicit DeviceError(const std::string& message) : Error(4, message) {}
};
/// A NaN or an overflow in a training.
struct NumericalError : Error {
  explicit NumericalError(const std::string& message) : Error(5, message) {}
};

}  // namespace elbow
