// Registers of the instruction set in force, as Simd<float> and Simd<double>. Included by kernels only,
// inside an anonymous namespace of theirs, so that no symbol of one instruction set serves another. fma(w, a,
// z) rounds w * a + z once on every instruction set, also where there is no such instruction.

#if defined(__clang__)
#define FACETRY_UNROLL _Pragma("unroll")
#else
#define FACETRY_UNROLL _Pragma("GCC unroll 16")
#endif

template <class T>
struct Simd;

#if defined(__AVX512F__)

template <>
struct Simd<float> {
  using Vector = __m512;
  static constexpr std::size_t kLanes = 16, kRows = 14, kVectors = 2;
  static constexpr double kSpeed = 50;
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static Vector broadcast(float x) { return _mm512_set1_ps(x); }
  static Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static Vector fma(Vector w, Vector a, Vector z) { return _mm512_fmadd_ps(w, a, z); }
  // Lane i is a where bit i of the mask is 1, b elsewhere.
  static Vector choose(std::uint64_t mask, Vector a, Vector b) {
    return _mm512_mask_mov_ps(b, static_cast<__mmask16>(mask), a);
  }
  static void stream(float* p, Vector v) { _mm512_stream_ps(p, v); }
  static std::uint64_t positive(Vector z) { return _mm512_cmp_ps_mask(z, _mm512_setzero_ps(), _CMP_GT_OQ); }
  // z where z > 0 or NaN, `otherwise` elsewhere.
  static Vector select(Vector z, Vector otherwise) {
    return _mm512_mask_mov_ps(z, _mm512_cmp_ps_mask(z, _mm512_setzero_ps(), _CMP_LE_OQ), otherwise);
  }
};

template <>
struct Simd<double> {
  using Vector = __m512d;
  static constexpr std::size_t kLanes = 8, kRows = 14, kVectors = 2;
  static constexpr double kSpeed = 25;
  static Vector load(const double* p) { return _mm512_loadu_pd(p); }
  static void store(double* p, Vector v) { _mm512_storeu_pd(p, v); }
  static Vector broadcast(double x) { return _mm512_set1_pd(x); }
  static Vector multiply(Vector a, Vector b) { return _mm512_mul_pd(a, b); }
  static Vector add(Vector a, Vector b) { return _mm512_add_pd(a, b); }
  // Not _mm512_max_pd, whose undefined pass-through gcc 12 warns of.
  static Vector maximum(Vector a, Vector b) {
    return _mm512_mask_mov_pd(b, _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ), a);
  }
  static Vector fma(Vector w, Vector a, Vector z) { return _mm512_fmadd_pd(w, a, z); }
  static Vector choose(std::uint64_t mask, Vector a, Vector b) {
    return _mm512_mask_mov_pd(b, static_cast<__mmask8>(mask), a);
  }
  static void stream(double* p, Vector v) { _mm512_stream_pd(p, v); }
  static std::uint64_t positive(Vector z) { return _mm512_cmp_pd_mask(z, _mm512_setzero_pd(), _CMP_GT_OQ); }
  static Vector select(Vector z, Vector otherwise) {
    return _mm512_mask_mov_pd(z, _mm512_cmp_pd_mask(z, _mm512_setzero_pd(), _CMP_LE_OQ), otherwise);
  }
};

#elif defined(__AVX2__)

template <>
struct Simd<float> {
  using Vector = __m256;
  static constexpr std::size_t kLanes = 8, kRows = 6, kVectors = 2;
  static constexpr double kSpeed = 50;
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  static Vector broadcast(float x) { return _mm256_set1_ps(x); }
  static Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector fma(Vector w, Vector a, Vector z) { return _mm256_fmadd_ps(w, a, z); }
  static Vector choose(std::uint64_t mask, Vector a, Vector b) {
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(mask)), lanes);
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lanes)));
  }
  static void stream(float* p, Vector v) { _mm256_stream_ps(p, v); }
  static std::uint64_t positive(Vector z) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(z, _mm256_setzero_ps(), _CMP_GT_OQ)));
  }
  static Vector select(Vector z, Vector otherwise) {
    return _mm256_blendv_ps(z, otherwise, _mm256_cmp_ps(z, _mm256_setzero_ps(), _CMP_LE_OQ));
  }
};

template <>
struct Simd<double> {
  using Vector = __m256d;
  static constexpr std::size_t kLanes = 4, kRows = 6, kVectors = 2;
  static constexpr double kSpeed = 25;
  static Vector load(const double* p) { return _mm256_loadu_pd(p); }
  static void store(double* p, Vector v) { _mm256_storeu_pd(p, v); }
  static Vector broadcast(double x) { return _mm256_set1_pd(x); }
  static Vector multiply(Vector a, Vector b) { return _mm256_mul_pd(a, b); }
  static Vector add(Vector a, Vector b) { return _mm256_add_pd(a, b); }
  static Vector maximum(Vector a, Vector b) { return _mm256_max_pd(a, b); }
  static Vector fma(Vector w, Vector a, Vector z) { return _mm256_fmadd_pd(w, a, z); }
  static Vector choose(std::uint64_t mask, Vector a, Vector b) {
    const __m256i lanes = _mm256_setr_epi64x(1, 2, 4, 8);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi64x(static_cast<long long>(mask)), lanes);
    return _mm256_blendv_pd(b, a, _mm256_castsi256_pd(_mm256_cmpeq_epi64(set, lanes)));
  }
  static void stream(double* p, Vector v) { _mm256_stream_pd(p, v); }
  static std::uint64_t positive(Vector z) {
    return static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(z, _mm256_setzero_pd(), _CMP_GT_OQ)));
  }
  static Vector select(Vector z, Vector otherwise) {
    return _mm256_blendv_pd(z, otherwise, _mm256_cmp_pd(z, _mm256_setzero_pd(), _CMP_LE_OQ));
  }
};

#else

// 16-byte registers: NEON, whose fma the compiler emits for __builtin_fma, and SSE2, which has none.
template <class T>
struct Register;
template <>
struct Register<float> {
  typedef float Vector __attribute__((vector_size(16)));
};
template <>
struct Register<double> {
  typedef double Vector __attribute__((vector_size(16)));
};

template <class T>
struct Simd {
  using Vector = typename Register<T>::Vector;
  static constexpr std::size_t kLanes = 16 / sizeof(T), kVectors = 8 / kLanes;
#if defined(__aarch64__)
  static constexpr std::size_t kRows = 24 / kVectors;  // of 32 registers
  static constexpr double kSpeed = 10;
#else
  static constexpr std::size_t kRows = 8 / kVectors;  // of 16
  static constexpr double kSpeed = 0.1;               // without an fma instruction
#endif
  static Vector load(const T* p) {
    Vector v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static void store(T* p, Vector v) { std::memcpy(p, &v, sizeof v); }
  static Vector broadcast(T x) { return Vector{} + x; }
  static Vector multiply(Vector a, Vector b) { return a * b; }
  static Vector add(Vector a, Vector b) { return a + b; }
  static Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
  static Vector fma(Vector w, Vector a, Vector z) {
#if !defined(__FP_FAST_FMA) && !defined(__ARM_FEATURE_FMA)
    if constexpr (sizeof(T) == sizeof(float)) return fma_through_double(w, a, z);
#endif
    FACETRY_UNROLL
    for (std::size_t i = 0; i < kLanes; ++i) {
      if constexpr (sizeof(T) == sizeof(float))
        z[i] = __builtin_fmaf(w[i], a[i], z[i]);
      else
        z[i] = __builtin_fma(w[i], a[i], z[i]);
    }
    return z;
  }
  static Vector choose(std::uint64_t mask, Vector a, Vector b) {
    FACETRY_UNROLL
    for (std::size_t i = 0; i < kLanes; ++i) b[i] = (mask >> i) & 1 ? a[i] : b[i];
    return b;
  }
  static void stream(T* p, Vector v) {
#if defined(__x86_64__)
    _mm_stream_si128(reinterpret_cast<__m128i*>(p), reinterpret_cast<__m128i>(v));
#else
    store(p, v);
#endif
  }
  static std::uint64_t positive(Vector z) {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < kLanes; ++i) mask |= std::uint64_t{z[i] > 0} << i;
    return mask;
  }
  static Vector select(Vector z, Vector otherwise) { return z <= 0 ? otherwise : z; }

 private:
  // The product of two floats is exact in double. The sum is rounded to odd (Boldo and Melquiond 2008), so
  // that the second rounding, to float, gives the correctly rounded result. About 0.3 a nanosecond and core.
  static Vector fma_through_double(Vector w, Vector a, Vector z) {
    typedef double Wide __attribute__((vector_size(2 * sizeof(Vector))));
    typedef std::int64_t Bits __attribute__((vector_size(2 * sizeof(Vector))));
    const Wide product = __builtin_convertvector(w, Wide) * __builtin_convertvector(a, Wide);
    const Wide addend = __builtin_convertvector(z, Wide);
    const Wide sum = product + addend;
    const Wide part = sum - product;
    const Wide error = (product - (sum - part)) + (addend - part);  // exact: sum + error is the true value
    Bits bits = reinterpret_cast<Bits>(sum);
    const Bits inexact = (error != 0.0) & (error == error);  // NaN error: sum is infinite or NaN already
    const Bits even = (bits & 1) - 1;
    const Bits toward_error = 1 - 2 * static_cast<Bits>(((reinterpret_cast<Bits>(error) ^ bits) < 0) & 1);
    bits += inexact & even & toward_error;
    return __builtin_convertvector(reinterpret_cast<Wide>(bits), Vector);
  }
};

#endif
