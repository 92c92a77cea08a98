# tests/*_test.cpp: one GoogleTest program each. tests/*_test.sh: run with the build folder as argument.
# tests/dump_*.cpp: programs that print what the makers of golden files need. Any other tests/*.cpp is shared by all.
# A test file may carry labels in a line of its own, `// ctest labels: threads heavy` (`#` in scripts):
#   threads  starts threads: also run under ThreadSanitizer
#   heavy    too slow for the sanitizers: left out there
#   cuda     needs or checks the CUDA build: also run there
enable_testing()

# ThreadSanitizer cannot lay out its memory where the kernel randomises addresses too widely.
set(at_fixed_addresses "")
if(ELBOW_SANITIZE STREQUAL thread)
  find_program(SETARCH setarch)
  if(SETARCH)
    execute_process(COMMAND ${SETARCH} --addr-no-randomize true RESULT_VARIABLE refused ERROR_QUIET)
    if(NOT refused)
      set(at_fixed_addresses ${SETARCH} --addr-no-randomize)
    endif()
  endif()
endif()

# All labels of a file in one string: gtest_discover_tests takes no lists.
function(elbow_test_labels file result)
  file(STRINGS ${file} line REGEX "^(//|#) ctest labels: " LIMIT_COUNT 1)
  string(REGEX REPLACE "^.*ctest labels: " "" labels "${line}")
  set(${result} "${labels}" PARENT_SCOPE)
endfunction()

# What those labelled cuda need.
file(GLOB program_sources CONFIGURE_DEPENDS experiments/programs/*.cpp)
list(TRANSFORM program_sources REPLACE ".*/([^/]*)\\.cpp$" "\\1" OUTPUT_VARIABLE programs)
add_custom_target(cuda_tests DEPENDS ${programs})
if(TARGET elbow_cuda)
  add_dependencies(cuda_tests elbow_cuda)
endif()

# Tests are compiled oftener than run; what they test keeps the optimisation of the build.
add_library(elbow_unoptimised INTERFACE)
target_compile_options(elbow_unoptimised INTERFACE $<$<CONFIG:Release>:-O0>)

if(GTest_FOUND)
  include(GoogleTest)
  file(GLOB test_support CONFIGURE_DEPENDS tests/*.cpp)
  list(FILTER test_support EXCLUDE REGEX "/(dump_[^/]*|[^/]*_test)\\.cpp$")
  add_library(elbow_tests STATIC ${test_support} ${CMAKE_BINARY_DIR}/empty.cpp)
  target_compile_definitions(elbow_tests PUBLIC ELBOW_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(elbow_tests PUBLIC elbow_unoptimised elbow_experiments nlohmann_json::nlohmann_json ZLIB::ZLIB GTest::gtest)

  # Half of a test's compilation is reading these. All programs have the options of elbow_tests and share the result.
  target_precompile_headers(elbow_tests PRIVATE <gtest/gtest.h> <fmt/format.h> <algorithm> <filesystem> <functional>
                            <string> <vector>)

  function(elbow_test_program source)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests
                          CROSSCOMPILING_EMULATOR "${at_fixed_addresses}")
    target_link_libraries(${name} PRIVATE elbow_tests)
    target_precompile_headers(${name} REUSE_FROM elbow_tests)
    if(TARGET elbow_cuda)
      add_dependencies(${name} elbow_cuda)
    endif()
  endfunction()

  if(NOT ELBOW_SANITIZE)
    file(GLOB dump_sources CONFIGURE_DEPENDS tests/dump_*.cpp)
    foreach(source IN LISTS dump_sources)
      elbow_test_program(${source})
    endforeach()
  endif()

  file(GLOB test_sources CONFIGURE_DEPENDS tests/*_test.cpp)
  foreach(source IN LISTS test_sources)
    get_filename_component(name ${source} NAME_WE)
    elbow_test_labels(${source} labels)
    if(ELBOW_SANITIZE STREQUAL thread AND NOT labels MATCHES threads)
      continue()  # saves half of that build
    endif()
    elbow_test_program(${source})
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
    if(labels MATCHES cuda)
      add_dependencies(cuda_tests ${name})
    endif()
    gtest_discover_tests(${name} NO_PRETTY_VALUES WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} DISCOVERY_TIMEOUT 120
                         PROPERTIES TIMEOUT 600 LABELS "${labels}")
  endforeach()
  if(ELBOW_CUDA_BUILT)
    elbow_cuda_module(elbow_language_cuda ${CMAKE_SOURCE_DIR}/tests/executor/language.cu)
  endif()
  if(EXISTS ${CMAKE_SOURCE_DIR}/tests/executor/CMakeLists.txt)
    add_subdirectory(tests/executor)
  endif()
  if(TARGET elbow_executor AND NOT ELBOW_SANITIZE STREQUAL thread)
    add_subdirectory(tests/mutation)
  endif()
endif()

file(GLOB test_scripts CONFIGURE_DEPENDS tests/*_test.sh)
foreach(script IN LISTS test_scripts)
  get_filename_component(name ${script} NAME_WE)
  elbow_test_labels(${script} labels)
  add_test(NAME ${name} COMMAND ${at_fixed_addresses} bash ${script} ${CMAKE_BINARY_DIR}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77 LABELS "${labels}")
endforeach()
