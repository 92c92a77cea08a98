// The convolutional VAE of Fig. 5: a training step of 64 images, and J^T J of the decoder at 64 latents, on one thread and on
// two, against the FMA limit of that many cores measured in the same run; and the reconstruction's loss and gradient alone.
//
//   bench_images [--pairs N] [--vs torch,jax] [--json FOLDER]     the same layers, by bench/peers/images.py
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "bench/benchmark.h"
#include "bench/fma_peak.h"
#include "bench/median.h"
#include "bench/peer.h"
#include "models/image_vae_training.h"

namespace elbow::bench {
namespace {

constexpr Index batch = 64;
constexpr Index samples = 20 * batch;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Any pixels: time does not depend on them.
Split images() {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(samples * ImageVaeConfig().observation_dim()));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i >> 7);
  const Tensor all = Tensor::from(pixels, {samples, ImageVaeConfig().observation_dim()});
  return {all, all, all};
}

ImageVaeTraining training(int threads) {
  ImageVaeTrainingConfig config;
  config.batch = batch;
  config.epochs = 1 << 20;
  config.threads = threads;
  return {ImageVae(ImageVaeConfig()), config, images()};
}

/// Multiply-adds of the decoder's products for one latent, and of the encoder's for one image.
struct Products {
  double encoder = 0, decoder = 0;

  Products() {
    const ImageVaeConfig c;
    const auto hidden = static_cast<double>(c.hidden), latent = static_cast<double>(c.latent_dim);
    const double smallest = 4.0 * 4 * static_cast<double>(c.features);
    double convolutions = 0;
    for (Index side = c.height, channels = c.channels; side > 4; side /= 2, channels = c.features) {
      convolutions += static_cast<double>(side / 2 * (side / 2) * 16 * channels * c.features);
    }
    encoder = convolutions + smallest * hidden + hidden * hidden + hidden * 2 * latent;
    decoder = convolutions + smallest * hidden + hidden * hidden + hidden * latent;
  }
  /// Forward pass, gradients of weights, and of what they multiply, but for the images.
  double step() const {
    const ImageVaeConfig c;
    const double first_layer =
        static_cast<double>(c.height / 2 * (c.width / 2) * 16 * c.channels * c.features);
    return 2 * static_cast<double>(batch) * (3 * (encoder + decoder) - first_layer);
  }
  double jacobian() const {
    return 2 * static_cast<double>(batch) * (1 + static_cast<double>(ImageVaeConfig().latent_dim)) * decoder;
  }
};

void measure(const std::string& name, int threads, double flop, const std::function<void()>& work,
             const Options& options, const std::map<std::string, double>& peers, Report& report) {
  work();
  Measurement ours{name, {}, {}, 0, flop};
  for (int pair = 0; pair < options.pairs; ++pair) {
    const double peak = threads * fma_peak_flops();
    const double start = seconds_now();
    work();
    const double seconds = seconds_now() - start;
    ours.microseconds.push_back(seconds * 1e6);
    ours.times_limit.push_back(seconds * peak / flop);
  }
  const auto [least, most] = std::minmax_element(ours.times_limit.begin(), ours.times_limit.end());
  const double share = 1 / median(ours.times_limit);
  fmt::print("{:22} {:7.2f} ms  {:5.2f} GFLOP at {:3.0f} % of the limit ({:.0f} to {:.0f})", name,
             median(ours.microseconds) * 1e-3, flop * 1e-9, 100 * share, 100 / *most, 100 / *least);
  for (const auto& [peer, milliseconds] : peers) {
    if (!peer.starts_with(name + ",")) continue;
    fmt::print("  {} {:.1f} ms, {:.1f} times as long", peer.substr(name.size() + 1), milliseconds,
               milliseconds * 1e3 / median(ours.microseconds));
    report.peers.push_back({name, peer.substr(name.size() + 1), milliseconds * 1e3});
  }
  fmt::print("\n");
  report.measurements.push_back(ours);
}

/// Both of 64 images, on one thread.
void measure_loss(const Options& options, const std::map<std::string, double>& peers, Report& report) {
  const Index columns = ImageVaeConfig().observation_dim();
  const Tensor pixels = rows(images().train, 0, batch);
  const Variable decoded(uniform({1, Stream::test}, 0, 1, batch, columns, DType::float32));
  constexpr double flop_a_pixel = 5;  // a difference and its square added up; a difference, scaled
  measure(
      "loss 1", 1, flop_a_pixel * static_cast<double>(batch * columns),
      [&] { gradients(sum(pixel_reconstruction(pixels, decoded, 1)), {decoded}); }, options, peers, report);
}

/// "step 1,torch channels_last" to milliseconds.
std::map<std::string, double> ask(const std::vector<std::string>& peers) {
  std::map<std::string, double> result;
  for (const std::string& peer : peers) {
    for (const auto& words : ask_peer("images.py " + peer)) {
      result[fmt::format("{} {},{} {}", words.at(0), words.at(1), peer, words.at(2))] =
          std::stod(words.at(3));
    }
  }
  return result;
}

void measure_all(const Options& options, Report& report) {
  const std::map<std::string, double> peers = ask(options.peers);
  measure_loss(options, peers, report);
  const Products products;
  for (const int threads : {1, 2}) {
    ImageVaeTraining trained = training(threads);
    measure(
        fmt::format("step {}", threads), threads, products.step(), [&] { trained.step(); }, options, peers,
        report);
    const std::vector<double> latents(static_cast<std::size_t>(batch * trained.vae().config().latent_dim),
                                      0.5);
    measure(
        fmt::format("jacobian {}", threads), threads, products.jacobian(),
        [&] { trained.grams(trained.parameters(), latents); }, options, peers, report);
  }
}

}  // namespace
}  // namespace elbow::bench

int main(int argc, char** argv) {
  using namespace elbow::bench;
  return run(
      argc, argv,
      {"images",
       "training step and Jacobian of the convolutional VAE against the FMA limit of one and of two cores",
       15,
       {"torch", "jax"},
       measure_all});
}
