#include "tests/mutation/mutants.h"

#include <algorithm>
#include <cctype>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>
#include <tuple>

namespace elbow::mutation {
namespace {

// --- The operations: all that is ever changed

struct Replacement {
  std::string_view operation, from, to;
};

/// Operators between two operands. clang-format writes blanks around them and around no others.
constexpr Replacement operators[] = {
    {"comparison", "<", "<="},   {"comparison", "<=", "<"},   {"comparison", ">", ">="},
    {"comparison", ">=", ">"},   {"equality", "==", "!="},    {"equality", "!=", "=="},
    {"logic", "&&", "||"},       {"logic", "||", "&&"},       {"arithmetic", "+", "-"},
    {"arithmetic", "-", "+"},    {"arithmetic", "*", "/"},    {"arithmetic", "/", "*"},
    {"arithmetic", "%", "/"},    {"accumulation", "+=", "="}, {"accumulation", "-=", "="},
    {"accumulation", "*=", "="}, {"accumulation", "/=", "="},
};

/// What stands alone, as regular expressions.
struct Pattern {
  const char* operation;
  const char* from;
  const char* to;
};
constexpr Pattern patterns[] = {
    {"step", R"(\+\+(\w+))", "$1 += 2"},
    {"step", R"(--(\w+))", "$1 -= 2"},
    {"mask", R"(\b0xf(f+u?)\b)", "0x7$1"},  // without its highest lane
};

// Besides: a decimal number becomes the next one ("constant") and, from 8 on, its half ("size"); a[i] becomes a[i + 1]
// ("index"; longer indices have operators to change); an assignment or a call that is a statement of its own is left
// out ("statement"), and a call of one of these is what must never survive:
const std::regex synchronising(R"(__sync\w*|__threadfence\w*|__pipeline_\w+|\w+::wait)");
// Of equal changes in one line, comparisons apart, the first stands for all. What begins at 0 stays: a loop or a sum
// that begins elsewhere fails at once. So does what an error says.

// --- Reading C++

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// The source with blanks in place of comments, preprocessor lines, throw statements and what the compiler asserts, and
/// with words in place of strings.
std::string code_of(std::string source) {
  static const std::regex passive(
      R"(//[^\n]*|/\*[^]*?\*/|"(?:\\.|[^"\\\n])*"|\b(?:throw|static_assert)\b[^;]*|(?:^|\n)[ \t]*#(?:\\\n|[^\n])*)");
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  for (std::sregex_iterator it(source.begin(), source.end(), passive), end; it != end; ++it) {
    spans.emplace_back(it->position(), it->length());
  }
  for (const auto& [begin, length] : spans) {
    const char filler = source[begin] == '"' ? 's' : ' ';
    for (std::size_t i = begin; i < begin + length; ++i) {
      if (source[i] != '\n') source[i] = filler;
    }
  }
  return source;
}

/// The place after the bracket that closes the one at `open`; the text's end if none does.
std::size_t after_bracket(const std::string& code, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (std::string_view("([{").find(code[i]) != std::string_view::npos) ++depth;
    if (std::string_view(")]}").find(code[i]) != std::string_view::npos && --depth == 0) return i + 1;
  }
  return code.size();
}

/// The text between two places, runs of blanks as one.
std::string one_line(const std::string& text, std::size_t begin, std::size_t end) {
  std::string line;
  for (std::size_t i = begin; i < end; ++i) {
    if (!is_blank(text[i])) {
      line += text[i];
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

class Source {
 public:
  Source(const std::string& file, const std::string& source)
      : file_(file), source_(source), code_(code_of(source)) {}

  std::vector<Mutant> mutants() && {
    change_operators();
    for (const Pattern& pattern : patterns) change_pattern(pattern);
    change_numbers();
    change_indices();
    leave_out_statements();
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Mutant& a, const Mutant& b) { return a.line < b.line; });
    return std::move(found_);
  }

 private:
  void add(std::string_view operation, std::size_t begin, std::size_t length, std::string_view replacement) {
    const auto line =
        1 + std::count(source_.begin(), source_.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
    const bool is_new = seen_.emplace(line, source_.substr(begin, length), replacement).second;
    if (!is_new && operation != "comparison") return;
    std::string changed = source_;
    changed.replace(begin, length, replacement);
    const std::size_t first = source_.rfind('\n', begin) + 1;  // 0 in the first line
    const std::size_t last = std::min(source_.find('\n', begin + length), source_.size());
    found_.push_back({file_, static_cast<int>(line), std::string(operation), one_line(source_, first, last),
                      one_line(changed, first, last - length + replacement.size()), changed});
  }

  void change_operators() {
    static const std::regex spaced(R"(\s([^\w\s()\[\]{};,.:?!~"']+)(?=\s))");
    for (std::sregex_iterator it(code_.begin(), code_.end(), spaced), end; it != end; ++it) {
      for (const Replacement& r : operators) {
        if (it->str(1) == r.from) add(r.operation, it->position(1), r.from.size(), r.to);
      }
    }
  }

  void change_pattern(const Pattern& pattern) {
    const std::regex from(pattern.from);
    for (std::sregex_iterator it(code_.begin(), code_.end(), from), end; it != end; ++it) {
      add(pattern.operation, it->position(), it->length(), it->format(pattern.to));
    }
  }

  void change_numbers() {
    static const std::regex whole(R"(\b\d+(?=u?\b))");
    for (std::sregex_iterator it(code_.begin(), code_.end(), whole), end; it != end; ++it) {
      const std::size_t begin = it->position(), length = it->length();
      const std::string_view left = std::string_view(code_).substr(0, begin);
      if (left.ends_with('.') || code_[begin + length] == '.') continue;  // of a number with a fraction
      const long value = std::stol(it->str());
      if (value == 0 && left.ends_with(" = ")) continue;
      add("constant", begin, length, std::to_string(value + 1));
      if (value >= 8) add("size", begin, length, std::to_string(value / 2));
    }
  }

  /// a[i], but not the extents of an array's declaration.
  void change_indices() {
    for (std::size_t open = code_.find('['); open != std::string::npos; open = code_.find('[', open + 1)) {
      std::size_t name = open;
      while (name > 0 && code_[name - 1] == ']') name = code_.rfind('[', name - 1);
      const std::size_t name_end = name;
      while (name > 0 && is_word(code_[name - 1])) --name;
      if (name == name_end || declares(name, name_end)) continue;
      const std::size_t close = after_bracket(code_, open) - 1;
      const std::string index = code_.substr(open + 1, close - open - 1);
      static const std::regex plain(R"([a-z]\w*)");
      if (std::regex_match(index, plain)) add("index", open + 1, index.size(), index + " + 1");
    }
  }

  /// Whether the name between these places is a type's or follows one, as in `T[n]` and `T name[n]`.
  bool declares(std::size_t begin, std::size_t end) const {
    static const std::regex type(R"([A-Z]\w*|double|float|int|bool)");
    if (std::regex_match(code_.begin() + begin, code_.begin() + end, type)) return true;
    if (begin < 2 || code_[begin - 1] != ' ') return false;
    std::size_t previous = begin - 1;
    while (previous > 0 && is_word(code_[previous - 1])) --previous;
    return std::regex_match(code_.begin() + previous, code_.begin() + begin - 1, type);
  }

  void leave_out_statements() {
    bool may_begin = false;
    for (std::size_t i = 0; i < code_.size(); ++i) {
      if (is_blank(code_[i])) continue;
      if (may_begin && is_word(code_[i])) leave_out_statement(i);
      may_begin = std::string_view(";{})").find(code_[i]) != std::string_view::npos;
    }
  }

  /// If what begins here is `name(...);` or `element = ...;`, and not a declaration.
  void leave_out_statement(std::size_t begin) {
    std::size_t i = begin;
    while (i < code_.size() && !is_blank(code_[i]) &&
           std::string_view(";{})").find(code_[i]) == std::string_view::npos) {
      i = code_[i] == '(' || code_[i] == '[' ? after_bracket(code_, i) : i + 1;
    }
    const bool call = code_[i - 1] == ')' && code_[i] == ';';
    const bool assignment = code_[i - 1] != ')' && code_.compare(i, 3, " = ") == 0;
    if (!call && !assignment) return;
    const std::size_t end = code_.find(';', i);
    const std::string statement = code_.substr(begin, end - begin);
    if (statement.find('{') != std::string::npos) return;  // a lambda's body has mutants of its own
    if (statement.starts_with("ELBOW_")) return;           // a declaration
    std::smatch name;
    const bool waits =
        call && std::regex_search(statement, name, synchronising, std::regex_constants::match_continuous);
    add(waits ? synchronisation : "statement", begin, end - begin, "");
  }

  const std::string file_;
  const std::string source_;
  const std::string code_;  // what of it may be changed, at the same places
  std::set<std::tuple<std::ptrdiff_t, std::string, std::string>> seen_;  // line, from, to
  std::vector<Mutant> found_;
};

}  // namespace

std::string function_of(const Mutant& mutant) {
  static const std::regex definition(R"(^(?!template|namespace|#|//)\S[^(]*?(\w+)\()");
  std::istringstream lines(mutant.source);
  std::string line, name;
  for (int number = 1; number <= mutant.line && std::getline(lines, line); ++number) {
    std::smatch match;
    if (std::regex_search(line, match, definition)) name = match.str(1);
  }
  return name;
}

std::vector<Mutant> mutants_of(const std::string& file, const std::string& source) {
  return Source(file, source).mutants();
}

}  // namespace elbow::mutation
