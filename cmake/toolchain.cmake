# Compiler options as one target, the instruction sets, and the compiler cache.
find_package(OpenMP REQUIRED COMPONENTS CXX)

add_library(singerprint_options INTERFACE)
target_compile_features(singerprint_options INTERFACE cxx_std_20)
target_include_directories(singerprint_options INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}/csrc")
target_compile_options(singerprint_options INTERFACE
  -Wall -Wextra -Wpedantic -Wno-unknown-pragmas
  ${OpenMP_CXX_FLAGS}      # without it at::parallel_for runs serially (PyTorch's own libgomp is the one that is loaded)
  -ffp-contract=off        # where a formula says fma it is written fma: the same bits from every instruction set
  -fno-math-errno -fno-trapping-math)
if(SINGERPRINT_SANITIZE)
  set(sanitizers -fsanitize=address,undefined,float-cast-overflow,float-divide-by-zero -fno-sanitize-recover=all)
  # With sanitizers GCC 12 warns of the undefined operands inside its own AVX-512 header.
  target_compile_options(singerprint_options INTERFACE ${sanitizers} -g -Wno-uninitialized -Wno-maybe-uninitialized)
  target_link_options(singerprint_options INTERFACE ${sanitizers})
endif()
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

# Each .lanes.cpp is compiled once per set, for avx512_bf16 only those that multiply bfloat16; csrc/core/dispatch.cpp
# chooses at run time.
set(instruction_sets baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND instruction_sets avx2 avx512 avx512_bf16)
endif()
set(flags_baseline "")
set(flags_avx2 -mavx2 -mfma)
set(flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)
set(flags_avx512_bf16 ${flags_avx512} -mavx512bf16)

find_program(CCACHE ccache)
if(CCACHE)
  # Without these sloppiness settings ccache refuses every file that uses the precompiled header.
  set(launcher "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${launcher})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
