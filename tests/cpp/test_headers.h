// Precompiled for the tests: GoogleTest and the PyTorch headers that they share.
#pragma once
#include <ATen/ATen.h>
#include <gtest/gtest.h>
