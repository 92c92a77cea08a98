#include "engine/variable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/ops.h"

namespace elbow {

struct Node : std::enable_shared_from_this<Node> {
  Node(const char* operation, PoolVector<Tensor> results, Variables operands, BackwardRule backward,
       bool differentiable, std::uint64_t birth)
      : name(operation),
        values(std::move(results)),
        inputs(std::move(operands)),
        rule(backward),
        requires_gradient(differentiable),
        age(birth) {}
  /// Releases what only this node holds in a loop: recursion would overflow the stack on a long chain.
  ~Node() {
    Variables orphans = std::move(inputs);
    while (!orphans.empty()) {
      const Variable orphan = std::move(orphans.back());
      orphans.pop_back();
      if (orphan.node_.use_count() != 1) continue;
      for (Variable& input : orphan.node_->inputs) orphans.push_back(std::move(input));
      orphan.node_->inputs.clear();
    }
  }

  const char* name;
  PoolVector<Tensor> values;
  Variables inputs;
  BackwardRule rule;
  bool requires_gradient;
  std::uint64_t age;  // grows along every path, so descending age is a topological order

  /// What the walk in progress knows of this node.
  struct Mark {
    std::uint64_t walk = 0;    // which walk
    std::size_t position = 0;  // its place in it, newest first
    bool useful = false;       // lies on a path to a requested input
  } mark;
};

namespace {

thread_local bool recording = true;
thread_local bool checking_finite = false;
thread_local const char* differentiated = nullptr;  // the operation whose backward rule is running
thread_local std::uint64_t next_age = 0;
thread_local std::uint64_t last_walk = 0;

std::shared_ptr<Node> make_node(const char* name, PoolVector<Tensor> values, Variables inputs,
                                BackwardRule rule, bool requires_gradient) {
  return std::allocate_shared<Node>(PoolAllocator<Node>{}, name, std::move(values), std::move(inputs), rule,
                                    requires_gradient, next_age++);
}

void expect_finite(const char* operation, const Tensor& value) {
  for (const Complex element : value.to_vector<Complex>()) {
    if (std::isfinite(element.real()) && std::isfinite(element.imag())) continue;
    if (differentiated == nullptr)
      throw NumericalError(fmt::format("[{}] gave {}", operation, element.real()));
    throw NumericalError(
        fmt::format("[{}] gave {} in the gradient of [{}]", operation, element.real(), differentiated));
  }
}

/// The nodes behind an output that require a gradient, newest first, marked; a rule may start a walk within a
/// walk, so the marks that were there come back at the end.
class Walk {
 public:
  Walk(Node* root, const Variables& requested) : id_(++last_walk) {
    meet(root);
    for (std::size_t next = 0; next < nodes_.size(); ++next) {
      for (const Variable& input : nodes_[next]->inputs) meet(input.node());
    }
    std::sort(nodes_.begin(), nodes_.end(),
              [](const Node* a, const Node* b) { return comes_before(*a, *b); });
    for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i]->mark.position = i;
    for (const Variable& variable : requested) {
      if (met(variable.node())) variable.node()->mark.useful = true;
    }
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
      for (const Variable& input : (*node)->inputs)
        (*node)->mark.useful |= met(input.node()) && input.node()->mark.useful;
    }
  }
  ~Walk() {
    for (const auto& [node, mark] : before_) node->mark = mark;
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  const PoolVector<Node*>& nodes() const { return nodes_; }
  bool met(const Node* node) const { return node->mark.walk == id_; }

 private:
  /// Leaves last: another thread may have made them, whose ages are its own.
  static bool comes_before(const Node& a, const Node& b) {
    return a.inputs.empty() != b.inputs.empty() ? b.inputs.empty() : a.age > b.age;
  }

  void meet(Node* node) {
    if (!node->requires_gradient || met(node)) return;
    before_.emplace_back(node, node->mark);
    node->mark = {id_, 0, false};
    nodes_.push_back(node);
  }

  std::uint64_t id_;
  PoolVector<Node*> nodes_;
  PoolVector<std::pair<Node*, Node::Mark>> before_;
};

void add_to(Variable& total, const Variable& part) { total = total.defined() ? total + part : part; }

/// Names the operation whose backward rule runs, for FiniteGuard's message.
class Differentiating {
 public:
  Differentiating() : before_(differentiated) {}
  ~Differentiating() { differentiated = before_; }
  void now(const char* operation) { differentiated = operation; }

 private:
  const char* before_;
};

}  // namespace

Variable::Variable(Tensor value, bool requires_gradient) {
  PoolVector<Tensor> values;
  values.push_back(std::move(value));
  node_ = make_node("leaf", std::move(values), {}, {}, requires_gradient);
}

const Tensor& Variable::value() const { return node_->values[output_]; }
bool Variable::requires_gradient() const { return node_->requires_gradient; }

const Variable& Backward::input(int i) const { return node_.inputs[i]; }
std::size_t Backward::inputs() const { return node_.inputs.size(); }
Variable Backward::output(int i) const { return Variable(node_.shared_from_this(), i); }
bool Backward::wanted(int i) const {
  return node_.inputs[i].requires_gradient() && node_.inputs[i].node()->mark.useful;
}

bool Backward::arrived(int i) const { return gradients_[i].defined(); }

Variable Backward::gradient(int i) const {
  if (arrived(i)) return gradients_[i];
  const Tensor& value = node_.values[i];
  return Variable(Tensor::zeros(value.shape(), value.dtype(), value.device()));
}

Variable operation(const char* name, Tensor value, std::initializer_list<Variable> inputs,
                   BackwardRule rule) {
  PoolVector<Tensor> values;
  values.push_back(std::move(value));
  return operation(name, std::move(values), Variables(inputs), rule).front();
}

Variables operation(const char* name, PoolVector<Tensor> values, Variables inputs, BackwardRule rule) {
  if (checking_finite) {
    for (const Tensor& value : values) expect_finite(name, value);
  }
  const bool records = recording && std::any_of(inputs.begin(), inputs.end(), [](const Variable& input) {
                         return input.requires_gradient();
                       });
  const int outputs = static_cast<int>(values.size());
  const auto node = records ? make_node(name, std::move(values), std::move(inputs), rule, true)
                            : make_node(name, std::move(values), {}, {}, false);
  Variables results;
  for (int i = 0; i < outputs; ++i) results.emplace_back(node, i);
  return results;
}

Gradients gradients(const Variable& output, const Variables& inputs, bool create_graph) {
  if (output.value().count() != 1) {
    throw UsageError(fmt::format("[gradients] expected a scalar to differentiate, got shape {}; sum it first",
                                 to_string(output.shape())));
  }
  const RecordingScope records(create_graph);
  Differentiating differentiating;
  const Walk walk(output.node(), inputs);
  PoolVector<Gradients> arrived(walk.nodes().size());
  for (const Node* node : walk.nodes()) arrived[node->mark.position].resize(node->values.size());
  if (!walk.nodes().empty()) {
    arrived[0][output.output()] = Variable(Tensor::full(output.shape(), output.dtype(), 1, output.device()));
  }
  Gradients results(inputs.size());
  for (Node* node : walk.nodes()) {
    Gradients& mine = arrived[node->mark.position];
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].node() == node) results[i] = mine[inputs[i].output()];
    }
    if (node->inputs.empty() || !node->mark.useful) continue;
    differentiating.now(node->name);
    const Gradients parts = node->rule(Backward(*node, mine));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Variable& input = node->inputs[i];
      if (!parts[i].defined() || !walk.met(input.node()) || !input.node()->mark.useful) continue;
      add_to(arrived[input.node()->mark.position][input.output()], parts[i]);
    }
    mine.clear();  // its memory serves the next rules
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!results[i].defined()) {
      results[i] = Variable(Tensor::zeros(inputs[i].shape(), inputs[i].dtype(), inputs[i].device()));
    }
  }
  return results;
}

bool is_recording() { return recording; }

RecordingScope::RecordingScope(bool records) : before_(recording) { recording = records; }
RecordingScope::~RecordingScope() { recording = before_; }
FiniteGuard::FiniteGuard() : before_(checking_finite) { checking_finite = true; }
FiniteGuard::~FiniteGuard() { checking_finite = before_; }

}  // namespace elbow
