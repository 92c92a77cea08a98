#include <cstdlib>
#include <cstring>
#include <new>

#include "kernels/backend.h"

namespace elbow::kernels::cpu {
namespace {

void* allocate(std::size_t bytes) { return ::operator new (bytes, std::align_val_t{64}); }
void release(void* block) { ::operator delete (block, std::align_val_t{64}); }
void copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

template <class Arguments>
void call(const Arguments& arguments) {
  run(arguments);
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool reuses_memory = false;
#else
constexpr bool reuses_memory = true;
#endif

Backend make_backend() {
  return {.name = "cpu",
          .description = "CPU",
          .allocate = allocate,
          .release = release,
          .copy_from_host = copy,
          .copy_to_host = copy,
          .copy_on_device = copy,
          .kernels = Kernels::filled_by([]<class Arguments>() { return &call<Arguments>; }),
          .profiling = {},
          .reuses_memory = reuses_memory};
}

}  // namespace

const Backend& backend() {
  static const Backend instance = make_backend();
  return instance;
}

}  // namespace elbow::kernels::cpu
