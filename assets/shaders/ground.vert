#version 330 core
// The lines of the floor, and the backdrop (w = 0: place is already a corner of the picture).
layout(location = 0) in vec4 place;
layout(location = 1) in vec4 tone;
uniform mat4 both;
out vec4 colour;

void main()
{
    colour = tone;
    gl_Position = place.w == 0.0 ? vec4(place.xyz, 1.0) : both * place;
}
