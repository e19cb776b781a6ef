# PyTorch as a target, from the folder that holds its include/ and lib/: a wheel's torch/ or an unpacked libtorch.
# find_package(Torch) stops with a CUDA wheel on a machine without the toolkit, sets CMAKE_CUDA_ARCHITECTURES and adds
# -gencode options that current nvcc refuses; headers and two libraries are all we need. Installed with the package.
function(singerprint_add_torch target folder)
  if(NOT EXISTS "${folder}/lib/libtorch_cpu.so")
    message(FATAL_ERROR "SINGERPRINT_TORCH must be a folder with PyTorch's include/ and lib/ (of libtorch, or a "
      "wheel's torch/), got ${folder}")
  endif()
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  # SYSTEM: no warnings from these headers. PyTorch's own pybind11 lies here too: another version of it would not share
  # types.
  target_include_directories(${target} SYSTEM INTERFACE
    "${folder}/include" "${folder}/include/torch/csrc/api/include")
  target_link_libraries(${target} INTERFACE "${folder}/lib/libtorch_cpu.so" "${folder}/lib/libc10.so")
endfunction()
