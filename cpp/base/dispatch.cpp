#include "base/dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace facetry {

#define FACETRY_DECLARE(type, member, table) extern const type table;
#define FACETRY_TAKE(type, member, table) , table
#define FACETRY_DECLARE_ISA(isa)                               \
  namespace isa {                                              \
  FACETRY_KERNEL_TABLES(FACETRY_DECLARE)                       \
  const Kernels all{#isa FACETRY_KERNEL_TABLES(FACETRY_TAKE)}; \
  }

#ifdef FACETRY_HAVE_baseline
FACETRY_DECLARE_ISA(baseline)
#endif
#ifdef FACETRY_HAVE_neon
FACETRY_DECLARE_ISA(neon)
#endif
#ifdef FACETRY_HAVE_avx2
FACETRY_DECLARE_ISA(avx2)
#endif
#ifdef FACETRY_HAVE_avx512
FACETRY_DECLARE_ISA(avx512)
#endif

namespace {

// Widest first; only those this CPU runs (__builtin_cpu_supports asks the operating system too).
std::vector<const Kernels*> runnable() {
  std::vector<const Kernels*> tables;
#ifdef FACETRY_HAVE_avx512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    tables.push_back(&avx512::all);
#endif
#ifdef FACETRY_HAVE_avx2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    tables.push_back(&avx2::all);
#endif
#ifdef FACETRY_HAVE_neon
  tables.push_back(&neon::all);
#endif
#ifdef FACETRY_HAVE_baseline
  tables.push_back(&baseline::all);
#endif
  return tables;
}

const Kernels& find(const std::string& name) {
  std::string names;
  for (const Kernels* table : runnable()) {
    if (name == table->name) return *table;
    names += std::string(names.empty() ? "" : ", ") + table->name;
  }
  throw std::invalid_argument("no instruction set '" + name +
                              "' here (FACETRY_ISA or use_isa): choose from " + names);
}

std::atomic<const Kernels*> chosen{nullptr};

}  // namespace

const Kernels& kernels() {
  const Kernels* table = chosen.load(std::memory_order_acquire);
  if (!table) {
    const char* name = std::getenv("FACETRY_ISA");
    table = name && *name ? &find(name) : runnable().front();
    chosen.store(table, std::memory_order_release);
  }
  return *table;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Kernels* table : runnable()) names.emplace_back(table->name);
  return names;
}

void use_isa(const std::string& name) { chosen.store(&find(name), std::memory_order_release); }

}  // namespace facetry
