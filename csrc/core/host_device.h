// SINGERPRINT_HOST_DEVICE inline: arithmetic that is written once and compiled for the CPU and for CUDA.
#pragma once
#ifdef __CUDACC__
#define SINGERPRINT_HOST_DEVICE __host__ __device__
#else
// Always inlined: an out-of-line copy compiled in an AVX-512 file could be the one that the linker keeps for all.
#define SINGERPRINT_HOST_DEVICE [[gnu::always_inline]]
#endif
