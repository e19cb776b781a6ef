# PyTorch as our own target. find_package(Torch) stops with a CUDA wheel on a machine without the toolkit, sets
# CMAKE_CUDA_ARCHITECTURES and adds -gencode options that current nvcc refuses; headers and two libraries are all we need.
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
execute_process(
  COMMAND "${Python_EXECUTABLE}" -W ignore -c
    "import torch, os; print(os.path.dirname(torch.__file__), torch.__version__, torch.version.cuda or '', sep=';')"
  OUTPUT_VARIABLE torch_facts OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE torch_result ERROR_QUIET)
if(NOT torch_result EQUAL 0)
  message(FATAL_ERROR "singerprint is compiled against the PyTorch it runs with, and ${Python_EXECUTABLE} has none: "
    "install torch first, then build with `pip install --no-build-isolation .`")
endif()
list(GET torch_facts 0 torch_dir)
list(GET torch_facts 1 torch_version)
list(GET torch_facts 2 torch_cuda)
message(STATUS "PyTorch ${torch_version} in ${torch_dir}")

add_library(torch_ops INTERFACE)
# SYSTEM: no warnings from these headers. PyTorch's own pybind11 lies here too: another version of it would not share types.
target_include_directories(torch_ops SYSTEM INTERFACE "${torch_dir}/include" "${torch_dir}/include/torch/csrc/api/include")
target_link_libraries(torch_ops INTERFACE "${torch_dir}/lib/libtorch_cpu.so" "${torch_dir}/lib/libc10.so")
