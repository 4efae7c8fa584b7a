# Files become part of a program: cmake -D NAME=documents -D FOLDER=docs/api -D FILES=a.json;schemas/b.json -D OUT=documents.c -P embed.cmake
# writes `const Embedded documents[]` (base/embedded.h). The assembler takes in the bytes: megabytes of typefaces are nothing that a compiler should read.
if(NOT CMAKE_SCRIPT_MODE_FILE)

  # pollux_embed(target name folder patterns...): those files of a folder, as `const Embedded NAME[]` of a target.
  function(pollux_embed target name folder)
    list(TRANSFORM ARGN PREPEND ${folder}/ OUTPUT_VARIABLE patterns)
    file(GLOB paths CONFIGURE_DEPENDS ${patterns})
    file(GLOB files RELATIVE ${folder} ${patterns})
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    add_custom_command(OUTPUT ${source} COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D FOLDER=${folder} -D "FILES=${files}" -D OUT=${source} -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
                       DEPENDS ${paths} ${CMAKE_CURRENT_FUNCTION_LIST_FILE} VERBATIM)
    target_sources(${target} PRIVATE ${source})
  endfunction()
  return()
endif()

set(count 0)
foreach(file ${FILES})
  file(SIZE ${FOLDER}/${file} length)
  set(label embedded_${NAME}_${count})
  string(APPEND bytes "__asm__(\".section .rodata\\n.balign 16\\n${label}:\\n.incbin \\\"${FOLDER}/${file}\\\"\\n.byte 0\\n.previous\\n\");\nextern const char ${label}[];\n")
  string(APPEND table "    {\"${file}\", ${label}, ${length}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUT} "#include \"base/embedded.h\"\n\n${bytes}\nextern const Embedded ${NAME}[];\nconst Embedded ${NAME}[] = {\n${table}    {0},\n};\n")
