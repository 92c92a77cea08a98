#pragma once
// A fiber: a function with a stack of its own, which one operating-system thread runs by turns with others.
#include <cstddef>
#include <functional>

namespace elbow::executor {

class Fiber {
 public:
  Fiber();   ///< Maps a stack; the page below it is out of bounds.
  ~Fiber();  ///< A body that has not ended is dropped, not unwound.
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Prepares `body`, which must outlive its run and must not throw. The fiber is not in the middle of another.
  void begin(const std::function<void()>& body);
  /// Runs the body until it suspends or ends.
  void resume();
  /// Called from within a body: goes back to whoever resumed it.
  void suspend();

 private:
  struct Context {
    void* stack_pointer = nullptr;
    void* race_detector = nullptr;  ///< ThreadSanitizer's idea of who runs
    void* fake_stack = nullptr;     ///< AddressSanitizer's
  };
  static void enter();
  void switch_from(Context& from, Context& to, const void* stack, std::size_t bytes, bool ends);

  std::byte* memory_;
  const std::function<void()>* body_ = nullptr;
  Context inside_, outside_;
  const void* outside_stack_ = nullptr;
  std::size_t outside_bytes_ = 0;
};

}  // namespace elbow::executor
