# The commit and compiler that programs report, renewed by every build.
set(build_info ${CMAKE_BINARY_DIR}/build_info.cpp)
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}" build_flags)
add_custom_target(build_info BYPRODUCTS ${build_info}
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${build_info} -DVERSION=${PROJECT_VERSION}
    "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}" "-DFLAGS=${build_flags}"
    -P ${CMAKE_SOURCE_DIR}/experiments/build_info.cmake
  VERBATIM)
add_dependencies(elbow_experiments build_info)
target_sources(elbow_experiments PRIVATE ${build_info})
