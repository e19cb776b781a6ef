#include "losses/matmul_precision.h"

#include <ATen/Context.h>
#include <gtest/gtest.h>

namespace singerprint {
namespace {

class MatmulPrecisionSwitch : public testing::Test {
 protected:
  ~MatmulPrecisionSwitch() override { at::globalContext().setFloat32MatmulPrecision("highest"); }
};

TEST_F(MatmulPrecisionSwitch, IsPyTorchsAndFullUnlessAsked) {
  EXPECT_EQ(matmul_precision(), MatmulPrecision::kHighest);
  at::globalContext().setFloat32MatmulPrecision("high");
  EXPECT_EQ(matmul_precision(), MatmulPrecision::kHigh);
  at::globalContext().setFloat32MatmulPrecision("medium");
  EXPECT_EQ(matmul_precision(), MatmulPrecision::kMedium);
  at::globalContext().setFloat32MatmulPrecision("highest");
  EXPECT_EQ(matmul_precision(), MatmulPrecision::kHighest);
}

// torch.backends.cuda.matmul.fp32_precision
TEST_F(MatmulPrecisionSwitch, TheSwitchOfCudaAloneIsHeard) {
  const auto set = [](at::Float32Precision precision) {
    at::globalContext().setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL, precision);
  };
  set(at::Float32Precision::TF32);
  EXPECT_EQ(matmul_precision(), MatmulPrecision::kHigh);
  at::globalContext().setFloat32MatmulPrecision("medium");
  set(at::Float32Precision::IEEE);
  EXPECT_EQ(matmul_precision(), MatmulPrecision::kHighest);
}

}  // namespace
}  // namespace singerprint
