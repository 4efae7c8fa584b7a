#version 330 core
in vec2 across;
in float dark;
in vec2 inner;
uniform vec4 darkness;
out vec4 result;

void main()
{
    vec2 out_of = max(abs(across) - inner, 0.0) / (1.0 - inner);
    float edge = clamp(1.0 - length(out_of), 0.0, 1.0);
    result = vec4(darkness.rgb, darkness.a * edge * edge * dark);
}
