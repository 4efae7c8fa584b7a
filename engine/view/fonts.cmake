# Write a C source that takes the typefaces into the program: cmake -D FOLDER=assets/fonts -D OUT=fonts.c -P fonts.cmake
set(source "#include \"view/fonts.h\"\n")
foreach(weight Regular Bold)
  string(TOLOWER ${weight} name)
  string(APPEND source "
__asm__(\".section .rodata\\n.balign 16\\nview_font_${name}:\\n.incbin \\\"${FOLDER}/LiberationSans-${weight}.ttf\\\"\\nview_font_${name}_end:\\n.previous\\n\");
extern const unsigned char view_font_${name}[], view_font_${name}_end[];
FontFile font_${name}(void)
{
    return (FontFile){view_font_${name}, (size_t)(view_font_${name}_end - view_font_${name})};
}
")
endforeach()
file(WRITE ${OUT} "${source}")
