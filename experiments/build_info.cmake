# Writes OUTPUT, the definition of elbow::build_info(); rewritten only when something in it changes. A script of its own
# because the revision is a matter of each build, not of the configure step.
execute_process(COMMAND git rev-parse --short=10 HEAD WORKING_DIRECTORY ${SOURCE_DIR}
                OUTPUT_VARIABLE REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE NO_GIT)
execute_process(COMMAND git status --porcelain --untracked-files=no WORKING_DIRECTORY ${SOURCE_DIR}
                OUTPUT_VARIABLE CHANGES ERROR_QUIET)
if(NO_GIT)
  set(REVISION unknown)
endif()
if(CHANGES)
  set(MODIFIED true)
else()
  set(MODIFIED false)
endif()
string(STRIP "${FLAGS}" FLAGS)
configure_file(${SOURCE_DIR}/experiments/build_info.cpp.in ${OUTPUT} @ONLY)
