# Every library comes from the Debian package named beside it. Nothing is downloaded while configuring.
set(missing_packages "")
macro(elbow_require library debian_package)
  find_package(${library} QUIET)
  if(NOT ${library}_FOUND)
    list(APPEND missing_packages ${debian_package})
  endif()
endmacro()

elbow_require(Threads g++)
elbow_require(fmt libfmt-dev)
elbow_require(nlohmann_json nlohmann-json3-dev)
elbow_require(CLI11 libcli11-dev)
elbow_require(tomlplusplus libtomlplusplus-dev)
elbow_require(PNG libpng-dev)
elbow_require(ZLIB zlib1g-dev)

# Debian's Highway has no package file for CMake.
find_library(HIGHWAY_LIBRARY hwy)
find_path(HIGHWAY_INCLUDE hwy/highway.h)
if(HIGHWAY_LIBRARY AND HIGHWAY_INCLUDE)
  add_library(hwy UNKNOWN IMPORTED)
  set_target_properties(hwy PROPERTIES IMPORTED_LOCATION ${HIGHWAY_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${HIGHWAY_INCLUDE})
else()
  list(APPEND missing_packages libhwy-dev)
endif()

if(missing_packages)
  list(JOIN missing_packages " " missing_packages)
  message(FATAL_ERROR "Libraries are missing. `./run` installs them, or: apt-get install ${missing_packages}")
endif()

# Left out with a line in the summary when they are not there.
find_program(GNUPLOT gnuplot)
if(ELBOW_TESTS)
  find_package(GTest QUIET)
endif()
if(ELBOW_BENCH)
  find_package(benchmark QUIET)
endif()
