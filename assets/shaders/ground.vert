#version 330 core
// The lines of the floor, which fade with the distance, and the backdrop (w = 0: place is already a corner of the picture).
layout(location = 0) in vec4 place;
layout(location = 1) in vec4 tone;
uniform mat4 both;
uniform vec3 eye;
uniform vec2 fog_range;
out vec4 colour;

void main()
{
    colour = tone;
    if (place.w == 0.0) {
        gl_Position = vec4(place.xyz, 1.0);
        return;
    }
    float far = clamp((distance(eye, place.xyz) - fog_range.x * 0.5) / (fog_range.y - fog_range.x * 0.5), 0.0, 1.0);
    colour.a *= (1.0 - far) * (1.0 - far);
    gl_Position = both * place;
}
