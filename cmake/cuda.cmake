# The CUDA back end: libelbow_cuda.so, a module that programs load at run time (kernels/backend.h); nothing links to it.
# Sets ELBOW_CUDA_BUILT, and ELBOW_CUDA_STATE, a line for the configure summary.

set(ELBOW_CUDA AUTO CACHE STRING "CUDA back end: AUTO (built if nvcc works), ON (required) or OFF")
set_property(CACHE ELBOW_CUDA PROPERTY STRINGS AUTO ON OFF)
# Machine code for A100 and H100 and their kin, and PTX that drivers translate for later GPUs.
set(CMAKE_CUDA_ARCHITECTURES "80-real;90-real;90-virtual" CACHE STRING "GPU architectures of the CUDA back end")

# cuDNN's headers since version 9, which are all that a build needs: the library is loaded at run time (kernels/dnn_functions.cu).
find_path(ELBOW_CUDNN_INCLUDE cudnn_graph.h HINTS ENV CUDNN_HOME ENV CUDA_HOME ENV CUDA_PATH
          PATHS /usr/local/cuda /opt/cuda PATH_SUFFIXES include targets/x86_64-linux/include)
mark_as_advanced(ELBOW_CUDNN_INCLUDE)

# elbow_use_cudnn(TARGET): large convolutions may go to cuDNN (kernels/convolution_dnn.cuh).
function(elbow_use_cudnn target)
  target_compile_definitions(${target} PRIVATE ELBOW_CUDNN)
  target_include_directories(${target} SYSTEM PRIVATE ${ELBOW_CUDNN_INCLUDE})
  target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
endfunction()

set(ELBOW_CUDA_BUILT FALSE)
if(NOT ELBOW_CUDA)
  set(ELBOW_CUDA_STATE "not built (ELBOW_CUDA=${ELBOW_CUDA})")
else()
  if(NOT DEFINED ENV{CUDACXX} AND NOT CMAKE_CUDA_COMPILER)
    find_program(ELBOW_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda /opt/cuda PATH_SUFFIXES bin)
    mark_as_advanced(ELBOW_NVCC)
    if(ELBOW_NVCC)
      set(ENV{CUDACXX} ${ELBOW_NVCC})
    endif()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(ELBOW_CUDA_BUILT TRUE)
  else()
    set(ELBOW_CUDA_STATE "not built (no working nvcc found; CUDACXX or CUDA_HOME can name one)")
  endif()
endif()

if(ELBOW_CUDA_BUILT)
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know it
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  endif()
  find_package(CUDAToolkit REQUIRED)
  list(JOIN CMAKE_CUDA_ARCHITECTURES ", " architectures)
  set(cudnn "no headers of cuDNN 9")
  if(ELBOW_CUDNN_INCLUDE)
    set(cudnn "cuDNN where it is installed")
  endif()
  set(ELBOW_CUDA_STATE "built (CUDA ${CMAKE_CUDA_COMPILER_VERSION}, architectures ${architectures}, ${cudnn})")

  # elbow_cuda_module(TARGET FILE.cu...): lib<TARGET>.so, to be loaded at run time.
  function(elbow_cuda_module target)
    add_library(${target} MODULE ${ARGN})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
    # The executor has functions of the same names: a module is to call its own.
    target_link_options(${target} PRIVATE LINKER:-Bsymbolic)
    # Set, not added to: the C++ compiler's options in the folder's COMPILE_OPTIONS mean nothing to nvcc.
    # -fmad=false: multiply-add is written fma where it is meant, so that every device rounds alike.
    set(options -lineinfo -fmad=false -Xptxas=-v --Werror=all-warnings -Xcompiler=-Wall,-Wextra,-ffp-contract=off)
    set(launcher ${CMAKE_SOURCE_DIR}/cmake/keep_resources.sh ${CMAKE_CUDA_COMPILER_LAUNCHER})
    set_target_properties(${target} PROPERTIES
      COMPILE_OPTIONS "${options}"
      CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF
      CUDA_COMPILER_LAUNCHER "${launcher}"
      CUDA_RUNTIME_LIBRARY Static
      PREFIX lib
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  endfunction()

  file(GLOB ELBOW_CUDA_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/*.cu)
  if(NOT ELBOW_CUDNN_INCLUDE)
    list(FILTER ELBOW_CUDA_SOURCES EXCLUDE REGEX "/(convolution_dnn|convolution_finish|dnn_functions)\\.cu$")
  endif()
  elbow_cuda_module(elbow_cuda ${ELBOW_CUDA_SOURCES})
  if(ELBOW_CUDNN_INCLUDE)
    elbow_use_cudnn(elbow_cuda)
  endif()
  target_link_libraries(elbow_cuda PRIVATE CUDA::cublas)
  target_compile_definitions(elbow_cuda PRIVATE "ELBOW_CUDA_ARCHITECTURES=\"${architectures}\"")
elseif(ELBOW_CUDA AND NOT ELBOW_CUDA STREQUAL "AUTO")
  message(FATAL_ERROR "ELBOW_CUDA=${ELBOW_CUDA}, but no working nvcc was found. Install the CUDA toolkit, set CUDACXX to "
                      "its nvcc, or configure with -DELBOW_CUDA=OFF.")
endif()
