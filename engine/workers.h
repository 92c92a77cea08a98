#pragma once
// Threads that share the pieces of one task.
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/types.h"

namespace elbow {

class Workers {
 public:
  /// `threads` >= 1, the calling one among them.
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int threads() const { return static_cast<int>(helpers_.size()) + 1; }

  /// Calls piece(i) for each i in [0, count), on whatever thread, and returns when all have been done. So that the number of
  /// threads changes no result, a piece may depend on i alone and write only what is its own. If pieces throw, what the one of
  /// the smallest number has thrown is thrown again.
  void run(Index count, const std::function<void(Index)>& piece);

 private:
  void help();
  void take_pieces(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable there_is_work_;
  std::condition_variable done_;
  const std::function<void(Index)>* piece_ = nullptr;
  Index next_ = 0;
  Index count_ = 0;
  Index running_ = 0;
  bool ends_ = false;
  std::exception_ptr thrown_;
  Index thrown_by_ = 0;
  std::vector<std::thread> helpers_;
};

}  // namespace elbow
