#include "view/program.h"

#include <epoxy/gl.h>
#include <stdio.h>

#include "view/shaders.h"

enum { LOG_ROOM = 512 };

static Err compile(GLenum kind, const char *base, const char *ending, GLuint *out, ErrText *why)
{
    char name[64], log[LOG_ROOM] = "it is not part of this program";
    snprintf(name, sizeof name, "%s.%s", base, ending);
    const Embedded *file = embedded_find(shaders, name);
    GLint compiled = GL_FALSE;
    *out = 0;
    if (file) {
        *out = glCreateShader(kind);
        glShaderSource(*out, 1, &file->bytes, NULL);
        glCompileShader(*out);
        glGetShaderiv(*out, GL_COMPILE_STATUS, &compiled);
        glGetShaderInfoLog(*out, sizeof log, NULL, log);
    }
    return compiled ? ERR_OK : err_set(why, ERR_IO, "OpenGL refuses the shader %s: %s", name, log);
}

Err program_link(const char *name, unsigned *out, ErrText *why)
{
    GLuint vertex = 0, fragment = 0;
    Err err = compile(GL_VERTEX_SHADER, name, "vert", &vertex, why);
    if (!err)
        err = compile(GL_FRAGMENT_SHADER, name, "frag", &fragment, why);
    *out = 0;
    if (!err) {
        char log[LOG_ROOM];
        GLint linked;
        *out = glCreateProgram();
        glAttachShader(*out, vertex);
        glAttachShader(*out, fragment);
        glLinkProgram(*out);
        glGetProgramiv(*out, GL_LINK_STATUS, &linked);
        glGetProgramInfoLog(*out, sizeof log, NULL, log);
        if (!linked)
            err = err_set(why, ERR_IO, "OpenGL refuses to link the shaders of %s: %s", name, log);
    }
    glDeleteShader(vertex);
    glDeleteShader(fragment);
    return err;
}
