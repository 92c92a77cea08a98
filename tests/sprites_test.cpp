// The program of Fig. 5 from the command line, on a user's own small images.
#include "experiments/sprites.h"

#include <gtest/gtest.h>

#include "tests/array_cases.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow::test {
namespace {

constexpr int samples = 60, height = 32, width = 16;

/// Grey gradients in two directions, whose strengths are the factors.
std::string grey_images(bool with_factors) {
  std::string pixels;
  std::vector<double> factors;
  for (int i = 0; i < samples; ++i) {
    const int across = i * 37 % 100, down = i * 53 % 90;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) pixels += static_cast<char>(across * x / width + down * y / height);
    }
    factors.insert(factors.end(), {static_cast<double>(across), static_cast<double>(down)});
  }
  const std::string images = npy("|u1", "(60, 32, 16, 1)", pixels);
  if (!with_factors) return images;
  return zip_of({{"factors.npy", npy("<f8", "(60, 2)", raw(factors))}, {"images.npy", images}});
}

class SpritesTest : public ::testing::Test {
 protected:
  Ran run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--out", out_.string()});
    return run_as_program(sprites(), arguments, scratch_.path());
  }
  Ran train_on(const std::string& file, const std::vector<std::string>& more) {
    put(scratch_ / "images", file);
    std::vector<std::string> arguments = {"--data",    (scratch_ / "images").string(),
                                          "--epochs",  "2",
                                          "--batch",   "20",
                                          "--seeds",   "1",
                                          "--threads", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  std::string file(const std::string& name) const { return get(out_ / name); }
  std::string columns() const {
    const std::string rows = file("runs.csv");
    return rows.substr(0, rows.find('\n'));
  }

  ScratchFolder scratch_;
  std::filesystem::path out_ = scratch_ / "out";
};

/// Height and width, bytes 16 to 23 of the file.
std::pair<int, int> extents_of_png(const std::string& png) {
  const auto number = [&](std::size_t at) {
    int value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value * 256 + static_cast<unsigned char>(png.at(i));
    return value;
  };
  return {number(20), number(16)};
}

TEST_F(SpritesTest, TrainsOnOwnImagesWithFactors) {
  const Ran ran = train_on(grey_images(true), {});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(columns(),
            "seed,gamma2,status,steps,epochs,neg_elbo,reconstruction,kl,c_ima,c_ima_mean_jacobian,mcc,"
            "mcc_spearman,mcc_minibatch,mcc_factor_1,mcc_factor_2");
  // Images, reconstructions and a row for each latent; images and a row for each latent.
  EXPECT_EQ(extents_of_png(file("figures/traversals.png")), std::make_pair(4 * height, 10 * width));
  EXPECT_EQ(extents_of_png(file("figures/jacobian.png")), std::make_pair(3 * height, 10 * width));
  EXPECT_NE(file("figures/sprites.csv").find("factor_2"), std::string::npos);
}

TEST_F(SpritesTest, TrainsOnOwnImagesWithoutFactorsAndWithAnyPrior) {
  for (const std::string prior : {"gaussian", "uniform", "laplace", "beta", "fixed"}) {
    SCOPED_TRACE(prior);
    out_ = scratch_ / prior;
    std::vector<std::string> arguments = {"--dim", "3"};
    if (prior == "fixed") {
      arguments.insert(arguments.end(), {"--beta-prior", "3,3"});
    } else {
      arguments.insert(arguments.end(), {"--prior", prior});
    }
    const Ran ran = train_on(grey_images(false), arguments);
    ASSERT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(columns(),
              "seed,gamma2,status,steps,epochs,neg_elbo,reconstruction,kl,c_ima,c_ima_mean_jacobian");
    EXPECT_EQ(extents_of_png(file("figures/jacobian.png")), std::make_pair(4 * height, 10 * width));
  }
}

TEST_F(SpritesTest, SaysWhatDoesNotGoTogether) {
  const auto refusal = [&](const std::vector<std::string>& arguments) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 2) << ran.err;
    return ran.err;
  };
  EXPECT_NE(refusal({"--data", "mine.npy", "--shape", "square"})
                .find("[--shape] is of sprites that are drawn here; leave it out with --data"),
            std::string::npos);
  EXPECT_NE(refusal({"--size", "40"}).find("expected pictures of a multiple of 16 pixels up to 1024, got 40"),
            std::string::npos);
  EXPECT_NE(refusal({"--shape", "blob"}).find("expected one of triangle, square"), std::string::npos);
  EXPECT_NE(refusal({"--beta-prior", "3"}).find("expected two finite numbers greater than 0"),
            std::string::npos);
  EXPECT_NE(
      refusal({"--beta-prior", "3,3", "--prior", "laplace"}).find("[--beta-prior] is of the Beta prior"),
      std::string::npos);
  EXPECT_NE(refusal({"--batch", "50000"}).find("expected at most 42000"), std::string::npos);
}

}  // namespace
}  // namespace elbow::test
