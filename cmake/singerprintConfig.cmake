# find_package(singerprint) gives singerprint::singerprint. PyTorch must be the one that it was built against: the folder
# in SINGERPRINT_TORCH (of libtorch, or a wheel's torch/), or that of the python3 on the path.
if(NOT TARGET singerprint::singerprint)
  if(NOT SINGERPRINT_TORCH)
    find_program(SINGERPRINT_PYTHON NAMES python3 python)
    if(SINGERPRINT_PYTHON)
      execute_process(
        COMMAND "${SINGERPRINT_PYTHON}" -W ignore -c "import torch, os; print(os.path.dirname(torch.__file__))"
        OUTPUT_VARIABLE SINGERPRINT_TORCH OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
  endif()
  include("${CMAKE_CURRENT_LIST_DIR}/torch_target.cmake")
  singerprint_add_torch(singerprint_torch "${SINGERPRINT_TORCH}")
  include("${CMAKE_CURRENT_LIST_DIR}/singerprintTargets.cmake")
  set_property(TARGET singerprint::singerprint APPEND PROPERTY INTERFACE_LINK_LIBRARIES singerprint_torch)
  set_property(TARGET singerprint::singerprint APPEND PROPERTY INTERFACE_COMPILE_FEATURES cxx_std_20)
endif()
