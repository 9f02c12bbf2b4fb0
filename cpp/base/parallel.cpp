// Threads are started for every call instead of kept in a pool: a start and join costs 20-40 us, a helper
// gets at least 100 us of work, and there is no state that a fork could break.
#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/floating_point.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

namespace facetry {
namespace {

constexpr double kNanosecondsPerHelper = 100e3;
constexpr auto kPollInterval = std::chrono::milliseconds(50);

std::size_t usable_cpus() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<std::size_t>(CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

std::size_t default_threads() {
  const char* text = std::getenv("FACETRY_NUM_THREADS");
  if (!text || !*text) return usable_cpus();
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*end || value < 1 || value > 4096)
    throw std::invalid_argument("FACETRY_NUM_THREADS must be a number from 1 to 4096, is '" +
                                std::string(text) + "'");
  return static_cast<std::size_t>(value);
}

std::atomic<std::size_t> threads_setting{0};
std::atomic<void (*)()> interrupt_check{nullptr};

// Thrown out of an item on a helper after a Ctrl-C; the calling thread's exception is the one that is seen.
struct Interrupted {};

class Job {
 public:
  Job(std::size_t items, const std::function<Work()>& make_work) : items_(items), make_work_(make_work) {}

  void work(bool on_calling_thread) {
    const DefaultFloatingPoint mode;
    const ThisThread here(this, on_calling_thread);
    std::size_t item = kNone;
    try {
      const Work work = make_work_();
      while (!stop_.load(std::memory_order_relaxed) && (item = next_.fetch_add(1)) < items_) {
        work(item);
        if (on_calling_thread) poll();
      }
    } catch (const Interrupted&) {
    } catch (...) {
      stop_ = true;
      const std::lock_guard lock(mutex_);
      if (!error_ || item < error_item_) {
        error_ = std::current_exception();
        error_item_ = item;
      }
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  static void check_stop() {
    if (!job_here) return;
    if (calling_here) job_here->poll();
    if (job_here->interrupted_) throw Interrupted{};
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  // What check_stop() asks, for as long as this thread works on the job.
  class ThisThread {
   public:
    ThisThread(Job* job, bool calling) : outer_job_(job_here), outer_calling_(calling_here) {
      job_here = job;
      calling_here = calling;
    }
    ThisThread(const ThisThread&) = delete;
    ~ThisThread() {
      job_here = outer_job_;
      calling_here = outer_calling_;
    }

   private:
    Job* outer_job_;
    bool outer_calling_;
  };

  void poll() {
    const auto check = interrupt_check.load();
    const auto now = std::chrono::steady_clock::now();
    if (!check || now - last_poll_ < kPollInterval) return;
    last_poll_ = now;
    try {
      check();
    } catch (...) {
      interrupted_ = true;
      throw;
    }
  }

  static thread_local Job* job_here;
  static thread_local bool calling_here;

  const std::size_t items_;
  const std::function<Work()>& make_work_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false}, interrupted_{false};
  std::chrono::steady_clock::time_point last_poll_ =
      std::chrono::steady_clock::now();  // the calling thread's
  std::mutex mutex_;
  std::exception_ptr error_;
  std::size_t error_item_ = kNone;
};

thread_local Job* Job::job_here = nullptr;
thread_local bool Job::calling_here = false;

// std::jthread, which Apple's standard library does not have.
class JoiningThread {
 public:
  template <class F>
  explicit JoiningThread(F&& work) : thread_(std::forward<F>(work)) {}
  JoiningThread(JoiningThread&&) = default;
  ~JoiningThread() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

}  // namespace

std::size_t num_threads() {
  std::size_t threads = threads_setting.load();
  if (threads == 0) {
    threads = default_threads();
    threads_setting = threads;
  }
  return threads;
}

void set_num_threads(std::size_t threads) {
  if (threads < 1 || threads > 4096)
    throw std::invalid_argument("the number of threads must be from 1 to 4096");
  threads_setting = threads;
}

void check_stop() { Job::check_stop(); }

void set_interrupt_check(void (*check)()) { interrupt_check = check; }

void parallel_for(std::size_t items, double nanoseconds, const std::function<Work()>& make_work) {
  if (items == 0) return;
  const double worthwhile = std::min(nanoseconds / kNanosecondsPerHelper, 4096.0);
  const std::size_t helpers =
      std::min({num_threads() - 1, items - 1, static_cast<std::size_t>(std::max(worthwhile, 0.0))});
  Job job(items, make_work);
  {
    std::vector<JoiningThread> threads;
    threads.reserve(helpers);
    for (std::size_t i = 0; i < helpers; ++i) threads.emplace_back([&job] { job.work(false); });
    job.work(true);
  }
  job.rethrow();
}

}  // namespace facetry
