#include "dsp/time_stretcher.h"

#include <gtest/gtest.h>
