# kissfft's header-only C++ class: from the system (libkissfft-dev), from -DKISSFFT_INCLUDE_DIR=<folder>, or fetched.
find_path(KISSFFT_INCLUDE_DIR kissfft.hh PATH_SUFFIXES kissfft)
if(NOT KISSFFT_INCLUDE_DIR)
  include(FetchContent)
  # The two CVEs known of this tag are in C files (allocation in kiss_fft.c and kiss_fftndr.c), which are not compiled here.
  # SOURCE_SUBDIR names no folder on purpose: kissfft's own CMakeLists.txt is not run, one header is all we take.
  FetchContent_Declare(kissfft GIT_REPOSITORY https://github.com/mborgerding/kissfft.git GIT_TAG 131.2.0 SOURCE_SUBDIR header-only)
  FetchContent_MakeAvailable(kissfft)
  set(KISSFFT_INCLUDE_DIR "${kissfft_SOURCE_DIR}")
endif()
add_library(kissfft_header INTERFACE)
target_include_directories(kissfft_header SYSTEM INTERFACE "${KISSFFT_INCLUDE_DIR}")
