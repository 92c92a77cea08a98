#pragma once
// The small changes that the mutation test makes to a kernel's source, one at a time: mistakes as authors make them.
// Tests that pass all the same have a gap.
#include <string>
#include <vector>

namespace elbow::mutation {

/// One change of one file. Two lines that differ make its identity, which survives that other lines come and go:
/// `before` and `after` are the lines it touches, runs of blanks as one.
struct Mutant {
  std::string file;
  int line;  ///< of the change's begin, from 1
  std::string operation;
  std::string before;
  std::string after;
  std::string source;  ///< the whole file, changed
};

/// The operation of mutants that leave out a barrier, a fence or the wait for a copy: not one of them may survive.
inline constexpr const char* synchronisation = "synchronisation";

/// The function in whose definition the change lies; of two overloads the same.
std::string function_of(const Mutant&);

/// All mutants of a source text in the project's format, by line. Comments, strings and preprocessor lines stay.
std::vector<Mutant> mutants_of(const std::string& file, const std::string& source);

}  // namespace elbow::mutation
