# Which PyTorch: that of SINGERPRINT_TORCH, or of the Python that the module is built for.
set(SINGERPRINT_TORCH "" CACHE PATH "Folder of PyTorch (of libtorch, or a wheel's torch/); default: that of Python")
if(SINGERPRINT_TORCH)
  set(torch_dir "${SINGERPRINT_TORCH}")
  set(torch_version "")
  set(torch_cuda "")
  if(EXISTS "${torch_dir}/lib/libtorch_cuda.so")
    set(torch_cuda ON)
  endif()
else()
  find_package(Python REQUIRED COMPONENTS Interpreter)
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
endif()
message(STATUS "PyTorch ${torch_version} in ${torch_dir}")

include(cmake/torch_target.cmake)
singerprint_add_torch(torch_ops "${torch_dir}")
