#include "engine/workers.h"

#include <utility>

namespace elbow {

Workers::Workers(int threads) {
  for (int i = 1; i < threads; ++i) helpers_.emplace_back([this] { help(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  there_is_work_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void Workers::run(Index count, const std::function<void(Index)>& piece) {
  std::unique_lock lock(mutex_);
  piece_ = &piece;
  next_ = 0;
  count_ = count;
  thrown_ = nullptr;
  there_is_work_.notify_all();
  take_pieces(lock);
  done_.wait(lock, [this] { return running_ == 0; });
  count_ = 0;
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void Workers::help() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    take_pieces(lock);
    there_is_work_.wait(lock, [this] { return ends_ || next_ < count_; });
  }
}

void Workers::take_pieces(std::unique_lock<std::mutex>& lock) {
  while (next_ < count_) {
    const Index mine = next_++;
    ++running_;
    lock.unlock();
    std::exception_ptr thrown;
    try {
      (*piece_)(mine);
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    --running_;
    if (thrown && (!thrown_ || mine < thrown_by_)) {
      thrown_ = thrown;
      thrown_by_ = mine;
    }
  }
  if (running_ == 0) done_.notify_all();
}

}  // namespace elbow
