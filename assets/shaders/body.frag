#version 330 core
// Marks on pipes are arrow heads that point where the flow goes; stripes tell what stands still.
in vec4 colour;
in vec4 pattern;
uniform vec3 marks;
out vec4 result;

void main()
{
    vec3 c = colour.rgb;
    float place = abs(fract(pattern.x + pattern.y) - 0.5);
    c = mix(c, marks, smoothstep(0.3, 0.36, place) * pattern.z * 0.85);
    float stripe = abs(fract(pattern.x * 4.0 / pattern.y) - 0.5);
    c = mix(c, c * 0.55, smoothstep(0.22, 0.28, stripe) * pattern.w);
    result = vec4(c, colour.a);
}
