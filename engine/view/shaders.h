/* shaders.h -- the shaders of assets/shaders, which are part of the program (embed.cmake). */
#pragma once

typedef struct Shader {
    const char *name;  // "body.vert"; NULL behind the last
    const char *text;
} Shader;

extern const Shader shaders[];
