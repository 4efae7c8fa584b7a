#version 330 core
// Bodies: parts move with the values of their asset, and are lit corner by corner, which software renderers can afford.
layout(location = 0) in vec3 place;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec3 pivot;
layout(location = 3) in uvec2 kind;     // Material, Motion (mesh.h)
layout(location = 4) in vec4 i_place;   // x, y, z of the foot; turn
layout(location = 5) in vec4 i_size;    // stretch along x, y, z; spin
layout(location = 6) in vec4 i_level;   // filled from, filled to, open, heat
layout(location = 7) in vec4 i_style;   // marks per metre, their shift, stripes, alpha
layout(location = 8) in vec4 i_colour;
layout(location = 9) in vec4 i_tint;

uniform mat4 both;
uniform vec3 eye;
uniform vec3 sun;             // where it is, length 1
uniform vec3 sunlight, skylight, shade;
uniform vec3 materials[8];
uniform vec3 fog;
uniform vec2 fog_range;       // begins, is full

out vec4 colour;
out vec4 pattern;             // along, aside; how much of a mark, of stripes

const uint BODY = 0u, METAL = 1u, LIQUID = 4u, GLOW = 5u, PIPE = 6u, GLASS = 7u;

// sRGB, near enough for what is lit, and without a power: every corner of every body comes by here
vec3 decoded(vec3 c) { return c * c; }
vec3 encoded(vec3 c) { return sqrt(c); }

void rotate(inout vec2 v, float angle)
{
    float c = cos(angle), s = sin(angle);
    v = vec2(c * v.x - s * v.y, s * v.x + c * v.y);
}

// what turns does so around its pivot, after stretching: a stretched wheel stays rigid
void move(inout vec3 at, inout vec3 n)
{
    vec3 around = pivot * i_size.xyz, arm = at - around;
    if (kind.y == 2u) { rotate(arm.yz, i_size.w); rotate(n.yz, i_size.w); }
    else if (kind.y == 3u) { rotate(arm.zx, i_size.w); rotate(n.zx, i_size.w); }
    else if (kind.y == 4u) { rotate(arm.xy, i_size.w); rotate(n.xy, i_size.w); }
    else if (kind.y == 5u) { rotate(arm.xy, i_level.z * 1.5708); rotate(n.xy, i_level.z * 1.5708); }
    at = around + arm;
}

void main()
{
    vec3 unit = place;
    if (kind.y == 1u) unit.z = mix(pivot.x, pivot.y, mix(i_level.x, i_level.y, place.z));
    vec3 at = unit * i_size.xyz, n = normalize(normal / i_size.xyz);
    if (kind.y > 1u) move(at, n);
    float foot = at.z;
    rotate(at.xy, i_place.w);
    rotate(n.xy, i_place.w);
    at += i_place.xyz;

    vec3 base = kind.x == BODY ? decoded(i_colour.rgb) : materials[kind.x];
    if (kind.x == GLOW) base = mix(materials[GLOW] * 0.25, materials[GLOW] * 1.6, i_level.w);
    base = mix(base, decoded(i_tint.rgb), i_tint.a);

    // sky above, light that the ground throws back, the sun; corners near the ground are darker, as little of the sky is seen from there
    vec3 to_eye = normalize(eye - at);
    float open = mix(0.62, 1.0, clamp(foot / (0.35 * max(i_size.x, i_size.y)), 0.0, 1.0));
    vec3 light = mix(shade, skylight, n.z * 0.5 + 0.5) * open + sunlight * max(dot(n, sun), 0.0);
    vec3 lit = base * light;
    float shine = kind.x == METAL || kind.x == PIPE || kind.x == GLASS ? 0.35 : kind.x == LIQUID ? 0.25 : 0.08;
    float glance = max(dot(normalize(sun + to_eye), n), 0.0);
    glance *= glance; glance *= glance; glance *= glance; glance *= glance;
    lit += sunlight * shine * glance;

    // glass is seen by its edges
    float facing = abs(dot(to_eye, n));
    float alpha = kind.x == GLASS ? mix(0.5, 0.1, facing) : 1.0;
    float far = clamp((distance(eye, at) - fog_range.x) / (fog_range.y - fog_range.x), 0.0, 1.0);
    colour = vec4(encoded(mix(lit, fog, far * far)), alpha * i_style.w);

    bool along = kind.x == PIPE && i_style.x != 0.0;
    pattern.x = along ? place.x * i_size.x * i_style.x + i_style.y : at.x + at.y + at.z;
    pattern.y = along ? (1.0 - normal.z) * 0.35 * sign(i_style.x) : max(i_size.x, i_size.z);
    pattern.z = along ? 1.0 - far : 0.0;
    pattern.w = i_style.z * (1.0 - far);
    gl_Position = both * vec4(at, 1.0);
}
