#pragma once
// The message of an exception that must come.
#include <string>

namespace elbow::test {

/// What `action` throws as an Exception says; other exceptions pass.
template <class Exception, class Action>
std::string thrown(Action action) {
  try {
    action();
  } catch (const Exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace elbow::test
