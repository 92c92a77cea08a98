# tests/*_test.cpp: one GoogleTest program each. tests/*_test.sh: run with the build folder as argument.
# A test file may carry labels in a line of its own, `// ctest labels: threads heavy` (`#` in scripts):
#   threads  starts threads: also run under ThreadSanitizer
#   heavy    too slow for the sanitizers: left out there
#   cuda     needs or checks the CUDA build: also run there
enable_testing()

function(elbow_test_labels file result)
  file(STRINGS ${file} line REGEX "^(//|#) ctest labels: " LIMIT_COUNT 1)
  string(REGEX REPLACE "^.*ctest labels: " "" labels "${line}")
  string(REPLACE " " ";" labels "${labels}")
  set(${result} "${labels}" PARENT_SCOPE)
endfunction()

if(GTest_FOUND)
  include(GoogleTest)
  file(GLOB test_support CONFIGURE_DEPENDS tests/*.cpp)
  list(FILTER test_support EXCLUDE REGEX "_test\\.cpp$")
  add_library(elbow_test_support INTERFACE)
  if(test_support)
    add_library(elbow_test_support_objects STATIC ${test_support})
    target_link_libraries(elbow_test_support_objects PUBLIC elbow_experiments GTest::gtest)
    target_link_libraries(elbow_test_support INTERFACE elbow_test_support_objects)
  endif()
  target_link_libraries(elbow_test_support INTERFACE elbow_experiments GTest::gtest_main ZLIB::ZLIB)

  file(GLOB test_sources CONFIGURE_DEPENDS tests/*_test.cpp)
  foreach(source IN LISTS test_sources)
    get_filename_component(name ${source} NAME_WE)
    elbow_test_labels(${source} labels)
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(${name} PRIVATE elbow_test_support)
    gtest_discover_tests(${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} DISCOVERY_TIMEOUT 120
                         PROPERTIES TIMEOUT 600 LABELS "${labels}")
  endforeach()
  if(EXISTS ${CMAKE_SOURCE_DIR}/tests/executor/CMakeLists.txt)
    add_subdirectory(tests/executor)
  endif()
endif()

file(GLOB test_scripts CONFIGURE_DEPENDS tests/*_test.sh)
foreach(script IN LISTS test_scripts)
  get_filename_component(name ${script} NAME_WE)
  elbow_test_labels(${script} labels)
  add_test(NAME ${name} COMMAND bash ${script} ${CMAKE_BINARY_DIR} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77 LABELS "${labels}")
endforeach()
