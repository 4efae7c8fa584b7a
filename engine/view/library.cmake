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

# Shaders are part of the program: they belong to the code that fills their inputs.
set(shaders ${CMAKE_CURRENT_BINARY_DIR}/shaders.c)
file(GLOB shader_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/assets/shaders/*)
add_custom_command(OUTPUT ${shaders} COMMAND ${CMAKE_COMMAND} -D FOLDER=${CMAKE_SOURCE_DIR}/assets/shaders -D OUT=${shaders} -P ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
                   DEPENDS ${shader_files} ${CMAKE_CURRENT_LIST_DIR}/embed.cmake VERBATIM)
target_sources(view PRIVATE ${shaders})

# The typefaces are part of the program.
set(fonts ${CMAKE_CURRENT_BINARY_DIR}/fonts.c)
file(GLOB font_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/assets/fonts/*.ttf)
add_custom_command(OUTPUT ${fonts} COMMAND ${CMAKE_COMMAND} -D FOLDER=${CMAKE_SOURCE_DIR}/assets/fonts -D OUT=${fonts} -P ${CMAKE_CURRENT_LIST_DIR}/fonts.cmake
                   DEPENDS ${font_files} ${CMAKE_CURRENT_LIST_DIR}/fonts.cmake VERBATIM)
target_sources(view PRIVATE ${fonts})
