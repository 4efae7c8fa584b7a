# The visualizer is a program of its own, which `pollux view` becomes: a server starts where there is neither SDL nor OpenGL. What it is made of is a library.
pkg_check_modules(VIEW IMPORTED_TARGET sdl2 SDL2_ttf epoxy cglm libpng)
find_library(ASSIMP_LIBRARY assimp)
if(POLLUX_VIEW STREQUAL "OFF")
  return()
elseif(NOT VIEW_FOUND OR NOT ASSIMP_LIBRARY)
  set(view_missing "SDL2, SDL2_ttf, libepoxy, cglm, libpng or assimp is not here")
  if(POLLUX_VIEW STREQUAL "ON")
    message(FATAL_ERROR "POLLUX_VIEW is ON, but ${view_missing}")
  endif()
  message(STATUS "No visualizer: ${view_missing}")
  return()
endif()

pollux_library(view engine/view signals PkgConfig::VIEW PkgConfig::JANSSON PkgConfig::LWS PkgConfig::CURL ${ASSIMP_LIBRARY})

# Shaders and typefaces are part of the program.
pollux_embed(view shaders ${CMAKE_SOURCE_DIR}/assets/shaders *.vert *.frag)
pollux_embed(view fonts ${CMAKE_SOURCE_DIR}/assets/fonts *.ttf)
