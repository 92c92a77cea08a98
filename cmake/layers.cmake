# A layer is a folder: elbow_layer(kernels) makes the library elbow_kernels of kernels/*.cpp.
file(TOUCH ${CMAKE_BINARY_DIR}/empty.cpp)  # for a folder that has headers only
function(elbow_layer folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  add_library(elbow_${folder} STATIC ${sources} ${CMAKE_BINARY_DIR}/empty.cpp)
endfunction()

# One program for each file of the folder, with the file's name.
function(elbow_programs folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE elbow_experiments)
    if(TARGET elbow_cuda)
      add_dependencies(${name} elbow_cuda)  # loaded at run time, never linked
    endif()
  endforeach()
endfunction()
