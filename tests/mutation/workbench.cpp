#include "tests/mutation/workbench.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

namespace elbow::mutation {
namespace {

namespace fs = std::filesystem;

const fs::path root = ELBOW_SOURCE_DIR;
constexpr unsigned build_seconds = 300;  // of processor time; a mutant takes one or two
const std::string library = "lib/libelbow_executor.so";
const std::string language =
    (root / "tests/executor/cuda_language.h").string();  // what each kernel starts with
const std::string options =
    " -O0 -w -DELBOW_HD=inline";  // mutants are compiled oftener than run, and may look odd
/// The first definition of a name counts, which is the mutant's. GNU's other linker takes a third of the time.
const std::string link_options = " -fuse-ld=gold -Wl,-z,muldefs";

/// Exchanges the one place where `from` stands.
std::string exchanged(std::string text, const std::string& from, const std::string& to) {
  const std::size_t place = text.find(from);
  if (place == std::string::npos) {
    throw std::runtime_error(fmt::format(
        "'{}' does not contain '{}'; was the project configured by CMake with Ninja?", text, from));
  }
  return text.replace(place, from.size(), to);
}

/// Without what is compiled for double.
std::string float_alone(const std::string& source) {
  static const std::regex instance(R"(\ntemplate void \w+\(const \w+<double>&\);)");
  return std::regex_replace(source, instance, "");
}

std::string first_match(const std::string& text, const std::regex& pattern) {
  std::smatch match;
  if (!std::regex_search(text, match, pattern)) {
    throw std::runtime_error(fmt::format("'{}' is not the command of a compiler", text));
  }
  return match.str(1);
}

/// The files that `source` includes from kernels/, as it names them: those that end so.
std::vector<std::string> included(const std::string& source, const std::string& extension) {
  const std::regex include(fmt::format(R"re(#include "(kernels/\w+\.{})")re", extension));
  std::vector<std::string> files;
  for (std::sregex_iterator it(source.begin(), source.end(), include), end; it != end; ++it)
    files.push_back(it->str(1));
  return files;
}

/// The headers that a kernel includes and that are no mutant's.
std::set<std::string> headers_of(const std::string& kernel) {
  const std::string source = read_file(root / kernel);
  const std::vector<std::string> own = included(source, "h");
  std::set<std::string> headers(own.begin(), own.end());
  for (const std::string& shared : included(source, "cuh")) headers.merge(headers_of(shared));
  return headers;
}

bool depends(const std::string& file, const std::string& on) {
  if (file == on) return true;
  const std::vector<std::string> files = included(read_file(root / file), "cuh");
  return std::any_of(files.begin(), files.end(),
                     [&](const std::string& other) { return depends(other, on); });
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (!(text << file.rdbuf())) throw std::runtime_error(fmt::format("{} cannot be read", path.string()));
  return text.str();
}

std::string test_command(const std::string& program, const Stage& stage, const std::string& file) {
  const std::string own = stage.own_runs ? fs::path(file).stem().string() : "";
  return fmt::format("ELBOW_ONLY={} exec {} --gtest_fail_fast '--gtest_filter={}'", own, program,
                     stage.filter);
}

std::vector<std::string> dependants(const std::string& file) {
  std::vector<std::string> kernels;
  for (const auto& entry : fs::directory_iterator(root / "kernels")) {
    const std::string kernel = "kernels/" + entry.path().filename().string();
    if (entry.path().extension() == ".cu" && depends(kernel, file)) kernels.push_back(kernel);
  }
  std::sort(kernels.begin(), kernels.end());
  return kernels;
}

Workbench::Workbench(const fs::path& build, const fs::path& folder) : build_(build), folder_(folder) {
  fs::remove_all(folder);
  for (const char* part : {"kernels", "objects", "lib", "tests"}) fs::create_directories(folder / part);
  // The program loads ../lib/libelbow_executor.so as seen from its own file.
  fs::create_hard_link(build / "tests/executor_kernels_test", folder / "tests/executor_kernels_test");

  static const std::regex output(R"( -o (\S+) )");
  for (const auto& entry : nlohmann::json::parse(read_file(build / "compile_commands.json"))) {
    const std::string kernel = fs::path(entry.at("file")).lexically_relative(root).string();
    const std::string command = entry.at("command");
    if (command.find("elbow_executor_EXPORTS") == std::string::npos) continue;
    static const std::regex compiler_cache(R"(^\S*ccache )");  // no mutant is compiled twice
    compile_commands_[kernel] = std::regex_replace(command, compiler_cache, "");
    objects_[kernel] = first_match(command, output);
  }
  precompile_language();
  const fs::path listed = folder / "commands";
  if (!run_command(fmt::format("{} -t commands {}", ELBOW_NINJA, library), build, listed, build_seconds)
           .well) {
    throw std::runtime_error(
        fmt::format("ninja does not know {} in {}: {}", library, build.string(), read_file(listed)));
  }
  std::istringstream commands(read_file(listed));
  while (std::getline(commands, link_command_) && link_command_.find(" -o " + library) == std::string::npos) {
  }
}

/// Half of a kernel's compilation is reading the same headers.
void Workbench::precompile_language() {
  std::set<std::string> headers{"cublas_v2.h", "cuda_runtime.h", "nvtx3/nvToolsExt.h"};
  for (const auto& [kernel, command] : compile_commands_) headers.merge(headers_of(kernel));
  std::ofstream file(folder_ / "language.h");
  file << fmt::format("#include <{}>\n", language);
  for (const std::string& header : headers) file << fmt::format("#include <{}>\n", header);
  file.close();
  const std::string& command = compile_commands_.at("kernels/adam.cu");
  const std::string compiler =
      exchanged(command.substr(0, command.find(" -o ")), " -include " + language, "");
  const std::string header = (folder_ / "language.h").string();
  if (!run(fmt::format("{}{} -x c++-header -c {} -o {}.gch", compiler, options, header, header))) {
    throw std::runtime_error(fmt::format("the executor's language does not compile; {} says why",
                                         (folder_ / "build.log").string()));
  }
}

bool Workbench::build(const std::string& file, const std::string& source,
                      const std::vector<std::string>& kernels, Precision precision) {
  std::ofstream(folder_ / file) << source;
  std::string link =
      exchanged(link_command_, " -o " + library, link_options + " -o " + (folder_ / library).string());
  bool is_program = true;
  for (const std::string& kernel : kernels) {
    const std::string text = kernel == file ? source : read_file(root / kernel);
    std::ofstream(folder_ / kernel) << (precision == Precision::float_alone ? float_alone(text) : text);
    is_program = is_program && run(compile_command(kernel));
    fs::remove(folder_ / kernel);
    const std::string& original = objects_.at(kernel);
    link = exchanged(link, original,
                     object(kernel).string() + (precision == Precision::all ? "" : " " + original));
  }
  is_program = is_program && run(link);
  fs::remove(folder_ / file);
  return is_program;
}

Ended Workbench::test(const Stage& stage, const std::string& file, unsigned most_seconds) {
  const std::string program = (folder_ / "tests/executor_kernels_test").string();
  const Ended ended = run_command(
      fmt::format("LD_LIBRARY_PATH={} {}", (folder_ / "lib").string(), test_command(program, stage, file)),
      root, folder_ / "test.log", most_seconds);
  seconds_ += ended.seconds;
  return ended;
}

bool Workbench::run(const std::string& command) {
  const Ended ended = run_command(command, build_, folder_ / "build.log", build_seconds);
  seconds_ += ended.seconds;
  return ended.well;
}

fs::path Workbench::object(const std::string& kernel) const {
  return folder_ / "objects" / (fs::path(kernel).filename().string() + ".o");
}

/// Files of this folder are found before the project's.
std::string Workbench::compile_command(const std::string& kernel) const {
  std::string command = exchanged(compile_commands_.at(kernel), objects_.at(kernel), object(kernel).string());
  command = exchanged(command, " -include " + language, " -include " + (folder_ / "language.h").string());
  command = exchanged(command, " -I", fmt::format(" -I{} -I", folder_.string()));
  return exchanged(command, (root / kernel).string(), (folder_ / kernel).string()) + options;
}

}  // namespace elbow::mutation
