// Every region of a network in a box, a polytope or all of space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "regions/box_domain.hpp"

namespace facetry {

struct BoxRegions {
  std::size_t count = 0;
  std::vector<std::uint64_t> bits;   // (count, words)
  std::vector<double> witnesses;     // (count, inputs)
  std::vector<std::int64_t> ends;    // (count,): where each one's facets end
  std::vector<std::int32_t> facets;  // neurons

  void append(const BoxRegions& other);
};

class BoxSearch {
 public:
  BoxSearch(std::shared_ptr<const BoxProblem> problem, bool only_counts);

  const BoxProblem& problem() const { return *problem_; }
  bool is_done() const { return jobs_.empty(); }
  std::size_t job_count() const { return jobs_.size(); }
  std::uint64_t found() const { return counts_.back(); }
  const std::vector<std::uint64_t>& counts() const { return counts_; }  // cells after so many layers
  std::size_t bytes() const { return bytes_; }                          // of regions not taken yet

  // Works a round of jobs, and on until that many regions were found by this object, so many seconds went by,
  // or nothing is left.
  void run(std::uint64_t regions, double seconds);

  // The regions found since the last call, in depth-first order.
  BoxRegions take();
  // The same, apart: those of each job's run, which lie together in the order of keys.
  using Key = std::vector<std::uint32_t>;
  std::map<Key, BoxRegions> take_pieces();

  // What is left to do, in order; another search of the same problem may do it.
  std::vector<std::string> jobs() const;
  void set_jobs(const std::vector<std::string>& jobs);

 private:
  void round();

  std::shared_ptr<const BoxProblem> problem_;
  bool only_counts_;
  std::map<Key, BoxJob> jobs_;
  std::map<Key, BoxRegions> regions_;
  std::vector<std::uint64_t> counts_;
  std::size_t bytes_ = 0;
};

// The cells of given patterns again, from the domain down, for one after the other.
struct BoxCells {
  std::vector<std::int64_t> vertex_ends;  // (count,)
  std::vector<double> vertices;           // (m, dimension): points, or rays (x, w) of an unbounded domain
  std::vector<std::int64_t> facet_ends;
  std::vector<std::int32_t> facets;  // neurons, or -1 - (a facet of the domain)
  std::vector<double> facet_points;  // (facets, inputs), in their relative interior
  std::vector<double> volumes;       // (count,), inf where unbounded
  // (count, inputs + 1): the faces of every dimension; one that lies in c walls counts as the part 2^-c that
  // its region has of it in a generic arrangement. Faces at infinity are left out; 0 where faces are not
  // asked for.
  std::vector<double> face_shares;
};
BoxCells box_cells(const BoxProblem& problem, std::span<const std::uint64_t> bits, std::size_t count,
                   bool has_faces);

// neighbors[i] = the region across facet i, whose pattern differs in that neuron alone; -1 where there is
// none.
void find_neighbors(std::span<const std::uint64_t> bits, std::size_t words,
                    std::span<const std::int64_t> ends, std::span<const std::int32_t> facets,
                    std::span<const std::uint32_t> bit_of_neuron, std::int64_t* neighbors);

}  // namespace facetry
