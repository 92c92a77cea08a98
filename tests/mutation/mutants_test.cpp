// What the mutation test makes of a small source, and how it reads the list of equivalent mutants.
#include "tests/mutation/mutants.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/mutation/campaign.h"

namespace elbow::mutation {
namespace {

using Texts = std::multiset<std::string>;

/// The changed lines of all mutants of a line, and what kind they are of: "comparison: i <= n".
Texts changes(const std::string& source) {
  Texts texts;
  for (const Mutant& m : mutants_of("kernels/a.cu", source)) texts.insert(m.operation + ": " + m.after);
  return texts;
}

TEST(Mutants, OfOperators) {
  EXPECT_EQ(changes("x < y"), Texts{"comparison: x <= y"});
  EXPECT_EQ(changes("x >= y"), Texts{"comparison: x > y"});
  EXPECT_EQ(changes("x == y && p"), (Texts{"equality: x != y && p", "logic: x == y || p"}));
  EXPECT_EQ(changes("x + y * z % w"),
            (Texts{"arithmetic: x - y * z % w", "arithmetic: x + y / z % w", "arithmetic: x + y * z / w"}));
  EXPECT_EQ(changes("x += y;"), Texts{"accumulation: x = y;"});
  EXPECT_EQ(changes("++i) {"), Texts{"step: i += 2) {"});
}

TEST(Mutants, OfNumbersMasksAndIndices) {
  EXPECT_EQ(changes("f(2)"), Texts{"constant: f(3)"});
  EXPECT_EQ(changes("f(16u)"), (Texts{"constant: f(17u)", "size: f(8u)"}));
  EXPECT_EQ(changes("f(0xffffffffu)"), Texts{"mask: f(0x7fffffffu)"});
  EXPECT_EQ(changes("f(0.5, 0x1p27, x2, 0x7ff)"), Texts{});
  EXPECT_EQ(changes("f(a.b[i], c[i][k])"),
            (Texts{"index: f(a.b[i + 1], c[i][k])", "index: f(a.b[i], c[i][k + 1])"}));
}

TEST(Mutants, OfStatements) {
  EXPECT_EQ(changes("{ __syncthreads(); }"), Texts{"synchronisation: { ; }"});
  EXPECT_EQ(changes("{ __pipeline_wait_prior(n); }"), Texts{"synchronisation: { ; }"});
  EXPECT_EQ(changes("{ Team::wait(); }"), Texts{"synchronisation: { ; }"});
  EXPECT_EQ(changes("{ part.fetch(a, b); }"), Texts{"statement: { ; }"});
  EXPECT_EQ(changes("if (p) a.b[k] = f(c,\n    d);"),
            (Texts{"statement: if (p) ;", "index: if (p) a.b[k + 1] = f(c,"}));
}

TEST(Mutants, LeaveTheRestAlone) {
  for (const char* source :
       {"template <class T, int n>", "const T* const x = f<T>(-y, *z, !p, &q);", "T sum[own][own], *p;",
        "for (const T& t : all) return;", "Index offsets[n];", "double total = 0;",
        "template void run(const Sum<float>&);", "ELBOW_SHARED(T, name, count);",
        "Blas(const Blas&) = delete;", "// x < y + 1", "/* x < y + 1 */", "#pragma unroll 8",
        "#define F(x) x + 1 \\\n  + 2", "f(\"x < 16\", a)", "throw Error(\"a\" + to_string(x + 1));"}) {
    EXPECT_EQ(changes(source), Texts{}) << source;
  }
}

TEST(Mutants, KnowTheirFunction) {
  const std::string source =
      "#pragma once\nnamespace a {\ntemplate <class T>\n__device__ T first(T x) {\n  return g(x) < 2;\n}\n\n"
      "inline Grid second(Index pieces,\n                   int threads) {\n  return {pieces + 1, "
      "threads};\n}\n}\n";
  for (const Mutant& mutant : mutants_of("kernels/a.cuh", source)) {
    EXPECT_EQ(function_of(mutant), mutant.line < 7 ? "first" : "second") << mutant.line;
  }
}

TEST(Mutants, AreWholeFilesAndKnowTheirLine) {
  const std::string source = "// One.\nint f(int x) {\n  return   x < y;\n}\n";
  const std::vector<Mutant> mutants = mutants_of("kernels/a.cu", source);
  ASSERT_EQ(mutants.size(), 1u);
  EXPECT_EQ(mutants[0].file, "kernels/a.cu");
  EXPECT_EQ(mutants[0].line, 3);
  EXPECT_EQ(mutants[0].before, "return x < y;");
  EXPECT_EQ(mutants[0].after, "return x <= y;");
  EXPECT_EQ(mutants[0].source, "// One.\nint f(int x) {\n  return   x <= y;\n}\n");
}

TEST(Mutants, OfEqualChangesInALineTheFirstIsMade) {
  EXPECT_EQ(changes("x + y + z\nx + y"), (Texts{"arithmetic: x - y + z", "arithmetic: x - y"}));
  EXPECT_EQ(changes("x < y, z < w"), (Texts{"comparison: x <= y, z < w", "comparison: x < y, z <= w"}));
}

TEST(ListedMutants, AreReadWithTheirFile) {
  const auto all =
      listed("# Why.\nkernels/a.cu\n- x < y\n+ x <= y\n  Never equal.\n\n- a\n+ b\n  Same.\n", "a.txt");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].file, "kernels/a.cu");
  EXPECT_EQ(all[0].before, "x < y");
  EXPECT_EQ(all[0].after, "x <= y");
  EXPECT_EQ(all[1].after, "b");
}

TEST(ListedMutants, NameTheLineThatCannotBeRead) {
  try {
    listed("kernels/a.cu\n- x\n+ y\nbecause\n", "a.txt");
    FAIL() << "read";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("a.txt:4: 'because'"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace elbow::mutation
