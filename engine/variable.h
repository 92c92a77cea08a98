#pragma once
// The tape. A Variable is a value that remembers which operation made it; `gradients` walks back from one.
//
// An operation is a value and a backward rule, in one place:
//
//   Variable tanh(const Variable& x) {
//     return operation("tanh", unary(UnaryFunction::tanh, x), {x}, [](const Backward& b) -> Gradients {
//       return {b.gradient() * (1 - square(b.output()))};
//     });
//   }
//
// A tape belongs to the thread that records it. Leaves may be made on another one, but are on one thread's tape at a time.
//
// Rules are written in operations, so a gradient can be differentiated again. A rule reads its inputs and
// outputs through Backward and captures at most a few numbers, which keeps nodes free of heap allocations.
#include <memory>

#include "engine/tensor.h"

namespace elbow {

class Variable;
struct Node;
using Variables = PoolVector<Variable>;
using Gradients = PoolVector<Variable>;  ///< one per input; an empty Variable where none flows

class Variable {
 public:
  Variable() = default;
  /// A leaf: a constant, or with `requires_gradient` something to differentiate by.
  explicit Variable(Tensor value, bool requires_gradient = false);

  bool defined() const { return static_cast<bool>(node_); }
  const Tensor& value() const;
  const Shape& shape() const { return value().shape(); }
  DType dtype() const { return value().dtype(); }
  Device device() const { return value().device(); }
  bool requires_gradient() const;
  /// The same value, cut off from its history.
  Variable detached() const { return Variable(value()); }

  Variable(std::shared_ptr<Node> node, int output) : node_(std::move(node)), output_(output) {}
  Node* node() const { return node_.get(); }
  int output() const { return output_; }

 private:
  friend struct Node;
  std::shared_ptr<Node> node_;
  int output_ = 0;
};

/// What a backward rule sees: the operation's inputs and outputs, and the gradients of its outputs.
class Backward {
 public:
  Backward(Node& node, const Gradients& gradients) : node_(node), gradients_(gradients) {}
  const Variable& input(int i = 0) const;
  std::size_t inputs() const;  ///< how many
  Variable output(int i = 0) const;
  /// With respect to output i; zeros if none arrived.
  Variable gradient(int i = 0) const;
  /// Whether a gradient with respect to output i arrived.
  bool arrived(int i) const;
  /// Whether input i needs a gradient at all.
  bool wanted(int i) const;

 private:
  Node& node_;
  const Gradients& gradients_;
};

/// A backward rule: any callable Gradients(const Backward&) of at most 64 trivially copyable bytes, stored
/// inline.
class BackwardRule {
 public:
  BackwardRule() = default;
  template <class Rule>
  BackwardRule(Rule rule) {
    static_assert(sizeof(Rule) <= sizeof(storage_) && std::is_trivially_copyable_v<Rule>,
                  "a backward rule captures a few numbers; tensors are reached through Backward");
    std::memcpy(storage_, &rule, sizeof(Rule));
    call_ = [](const void* stored, const Backward& b) -> Gradients {
      return (*static_cast<const Rule*>(stored))(b);
    };
  }
  Gradients operator()(const Backward& b) const { return call_(storage_, b); }

 private:
  alignas(16) std::byte storage_[64];
  Gradients (*call_)(const void*, const Backward&) = nullptr;
};

/// Records an operation on the tape if any input requires a gradient and recording is on. Throws
/// NumericalError naming the operation if the value is not finite while a FiniteGuard is alive.
Variable operation(const char* name, Tensor value, std::initializer_list<Variable> inputs, BackwardRule rule);
/// The same for an operation with several outputs or a list of inputs.
Variables operation(const char* name, PoolVector<Tensor> values, Variables inputs, BackwardRule rule);

/// d output / d inputs for a scalar output, summed over all paths; zeros where there is no path. With
/// `create_graph` the results can be differentiated again. Throws UsageError if output is not a scalar, or
/// NumericalError under a FiniteGuard.
Gradients gradients(const Variable& output, const Variables& inputs, bool create_graph = false);

/// Whether operations of this thread are being recorded: a fused operation's rule asks, since its second
/// order goes through its unfused twin.
bool is_recording();

/// While alive, operations of this thread are recorded or not; what held before comes back at the end.
class RecordingScope {
 public:
  explicit RecordingScope(bool records);
  ~RecordingScope();
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

 private:
  bool before_;
};
struct NoGradient : RecordingScope {
  NoGradient() : RecordingScope(false) {}
};
struct Recording : RecordingScope {
  Recording() : RecordingScope(true) {}
};

/// While alive, each operation of this thread checks that its result is finite: slow, used to name the
/// operation once a loss is known to be NaN.
class FiniteGuard {
 public:
  FiniteGuard();
  ~FiniteGuard();
  FiniteGuard(const FiniteGuard&) = delete;
  FiniteGuard& operator=(const FiniteGuard&) = delete;

 private:
  bool before_;
};

}  // namespace elbow
