#version 330 core
// A soft dark patch under a body, a little away from the sun: cheaper than to draw the scene once more from there.
layout(location = 0) in vec2 corner;    // -1 to 1
layout(location = 4) in vec4 i_place;
layout(location = 5) in vec4 i_size;
uniform mat4 both;
uniform vec3 eye, sun;
uniform vec2 fog_range;
out vec2 across;
out float dark;
out vec2 inner;

void main()
{
    float away = min(0.3 * i_size.z, 0.45 * max(i_size.x, i_size.y));
    vec2 half_size = i_size.xy * 0.5, wide = half_size + 0.28 * min(i_size.x, i_size.y) + 0.3 * away;
    vec2 at = corner * wide;
    float c = cos(i_place.w), s = sin(i_place.w);
    at = vec2(c * at.x - s * at.y, s * at.x + c * at.y) - sun.xy * away;
    vec3 ground = vec3(i_place.xy + at, i_place.z + 0.004 * length(wide));
    across = corner;
    inner = (half_size - 0.2 * min(i_size.x, i_size.y)) / wide;
    dark = 1.0 - clamp((distance(eye, ground) - fog_range.x) / (fog_range.y - fog_range.x), 0.0, 1.0);
    gl_Position = both * vec4(ground, 1.0);
}
