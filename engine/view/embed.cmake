# Write shaders as a C source: cmake -D FOLDER=assets/shaders -D OUT=shaders.c -P embed.cmake
file(GLOB names RELATIVE ${FOLDER} ${FOLDER}/*.vert ${FOLDER}/*.frag)
set(source "#include \"view/shaders.h\"\n\nconst Shader shaders[] = {\n")
foreach(name ${names})
  file(READ ${FOLDER}/${name} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes ${bytes})
  string(APPEND source "    {\"${name}\", (const char[]){${bytes} 0}},\n")
endforeach()
file(WRITE ${OUT} "${source}    {0},\n};\n")
