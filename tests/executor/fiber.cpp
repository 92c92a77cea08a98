#include "tests/executor/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(ELBOW_RACE_DETECTION)
#include <sanitizer/tsan_interface.h>
#endif
#if !defined(__x86_64__)
#error "fiber.cpp switches stacks on x86-64 only: add the switch of this processor"
#endif

// Saves what a function must preserve, exchanges the stacks, and returns on the other one.
extern "C" void elbow_switch_stacks(void** save, void* load);
asm(R"(
.text
.type elbow_switch_stacks, @function
elbow_switch_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size elbow_switch_stacks, . - elbow_switch_stacks
)");

namespace elbow::executor {
namespace {

constexpr std::size_t guard_bytes = 4096;
constexpr std::size_t stack_bytes = 128 * 1024;

thread_local Fiber* starting = nullptr;

}  // namespace

Fiber::Fiber() {
  void* memory = mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(memory);
  mprotect(memory_, guard_bytes, PROT_NONE);
}

Fiber::~Fiber() {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(memory_ + guard_bytes, stack_bytes);
#endif
#if defined(ELBOW_RACE_DETECTION)
  if (inside_.race_detector != nullptr) {
    // All that the body did is over. Going there and back says so.
    void* const here = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(inside_.race_detector, 0);
    __tsan_switch_to_fiber(here, 0);
    __tsan_destroy_fiber(inside_.race_detector);
  }
#endif
  munmap(memory_, guard_bytes + stack_bytes);
}

void Fiber::begin(const std::function<void()>& body) {
  body_ = &body;
  // What elbow_switch_stacks pops: six registers, then the address to return to. A function finds the stack
  // pointer eight bytes off a multiple of sixteen.
  auto** top = reinterpret_cast<void**>(memory_ + guard_bytes + stack_bytes) - 2;
  *top = reinterpret_cast<void*>(&Fiber::enter);
  inside_.stack_pointer = top - 6;
  for (int i = 1; i <= 6; ++i) top[-i] = nullptr;
#if defined(ELBOW_RACE_DETECTION)
  if (inside_.race_detector == nullptr) inside_.race_detector = __tsan_create_fiber(0);
#endif
}

void Fiber::resume() {
  starting = this;
#if defined(ELBOW_RACE_DETECTION)
  outside_.race_detector = __tsan_get_current_fiber();
#endif
  switch_from(outside_, inside_, memory_ + guard_bytes, stack_bytes, false);
}

void Fiber::suspend() { switch_from(inside_, outside_, outside_stack_, outside_bytes_, false); }

void Fiber::enter() {
  Fiber& self = *starting;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &self.outside_stack_, &self.outside_bytes_);
#endif
  (*self.body_)();
  self.switch_from(self.inside_, self.outside_, self.outside_stack_, self.outside_bytes_, true);
}

/// `stack` and `bytes` are the stack that is switched to. The race detector learns who runs, and nothing about
/// who came before whom.
void Fiber::switch_from(Context& from, Context& to, [[maybe_unused]] const void* stack,
                        [[maybe_unused]] std::size_t bytes, [[maybe_unused]] bool ends) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(ends ? nullptr : &from.fake_stack, stack, bytes);
#endif
#if defined(ELBOW_RACE_DETECTION)
  __tsan_switch_to_fiber(to.race_detector, __tsan_switch_to_fiber_no_sync);
#endif
  elbow_switch_stacks(&from.stack_pointer, to.stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  const bool within = &from == &inside_;
  __sanitizer_finish_switch_fiber(from.fake_stack, within ? &outside_stack_ : nullptr,
                                  within ? &outside_bytes_ : nullptr);
#endif
}

}  // namespace elbow::executor
