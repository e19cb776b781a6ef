#include "augment/chain.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

namespace singerprint {
namespace {

c10::List<std::string> names(std::initializer_list<std::string> list) { return c10::List<std::string>(list); }

TEST(ChainLinks, TakeTheirArgumentsInOrder) {
  const at::Tensor gain_db = at::zeros({2}), start = at::zeros({2}, at::kLong), length = at::ones({2}, at::kLong);
  const auto links = chain_links(names({"gain", "time_mask", "pitch"}), {gain_db, start, length},
                                 {44100.0, 512.0, 60.0, 1500.0}, names({}));
  ASSERT_EQ(links.size(), 3u);
  EXPECT_TRUE(links[0].arguments.at(0).toTensor().is_same(gain_db));
  EXPECT_TRUE(links[1].arguments.at(0).toTensor().is_same(start));
  EXPECT_TRUE(links[1].arguments.at(1).toTensor().is_same(length));
  EXPECT_EQ(links[2].arguments.at(0).toDouble(), 44100.0);
  EXPECT_EQ(links[2].arguments.at(1).toInt(), 512);
}

TEST(ChainLinks, ListsOfAnotherLengthAreErrors) {
  const at::Tensor gain_db = at::zeros({2});
  EXPECT_THROW(chain_links(names({"gain"}), {}, {}, names({})), c10::ValueError);
  EXPECT_THROW(chain_links(names({"gain"}), {gain_db, gain_db}, {}, names({})), c10::ValueError);
  EXPECT_THROW(chain_links(names({"gain"}), {gain_db}, {1.0}, names({})), c10::ValueError);
  EXPECT_THROW(chain_links(names({"gain"}), {gain_db}, {}, names({"ln"})), c10::ValueError);
  EXPECT_THROW(chain_links(names({"no such op"}), {}, {}, names({})), c10::ValueError);
}

}  // namespace
}  // namespace singerprint
