// One thread's work on a panel of points: thresholds from the neurons that are affine in the inputs,
// candidates by the bounds, their gradients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "network/margin_rows.hpp"
#include "network/margins.hpp"

namespace facetry {

class MarginPanel {
 public:
  // For panels of at most `capacity` points.
  MarginPanel(const MarginBounds& bounds, const MarginCall& call, std::size_t capacity);

  // The Euclidean norm of an input, not below the exact one; before run where margins are certified.
  void set_input_norm(std::size_t point, double norm) { points_[point].size = norm; }

  // The points begin .. begin + rows of the call, their pre-activations (rows, neurons), which are
  // overwritten, and patterns (rows, words).
  void run(std::size_t begin, std::size_t rows, double* z, const std::uint64_t* bits);

 private:
  // What is known of a point. In limit, radius and candidates, heights stand for |z|.
  struct Point {
    double limit = 0;  // the margin is not above it
    double radius = 0;
    std::int64_t neuron = -1;
    bool is_open = true;  // false: no number, or (certified) not certain
    double error = 0;     // certified: || z - exact z ||_2 of the step at work,
    double size = 0;      // and || z ||_2, not below it
    std::vector<Candidate> candidates;
    std::size_t next = 0;  // of the candidates
  };

  void start(std::size_t rows);
  void bound(std::size_t s);
  void multiply_masks(std::size_t s);
  void bound_norms(std::size_t s, std::size_t point);
  void find_heights(std::size_t s, std::size_t point);
  void certify(std::size_t s, std::size_t point, double* z);
  void take_affine(std::size_t s, std::size_t point);
  void take_candidates(std::size_t s, std::size_t point);
  template <class T>
  void refine(GradientRows<T>& rows);
  template <class T>
  void take_from(Point& point, std::size_t quota, GradientRows<T>& rows);
  template <class T>
  void refine_chunk(GradientRows<T>& rows);
  void evaluate();
  void evaluate_chunk();
  void offer(Point& point, double radius, std::size_t neuron);
  void write(std::size_t begin) const;

  double* heights(std::size_t s, std::size_t point);
  double* norms(std::size_t point) { return norms_.data() + point * stride_; }
  const std::uint64_t* bits(std::size_t s, std::size_t point) const;

  const MarginBounds& bounds_;
  const Plan64& plan_;
  const MarginKernels& kernels_;
  const MarginCall& call_;
  std::vector<Point> points_;
  std::size_t count_ = 0;
  std::size_t stride_ = 0;
  double gain_ = 1;  // a gradient's norm is at most gain_ * norms(point)[j]
  double* heights_ = nullptr;
  const std::uint64_t* bits_ = nullptr;
  std::vector<double> norms_, limits_;
  std::vector<std::uint64_t> within_;
  AlignedArray<float> masks_, squares_;
  std::vector<Candidate> chunk_, finalists_;
  std::optional<GradientRows<float>> rows32_;
  GradientRows<double> rows64_;
};

}  // namespace facetry
