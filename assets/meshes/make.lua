-- The meshes of this folder, made from boxes, roofs and tapered bars: lua5.4 make.lua writes them anew (glTF 2.0, buffers embedded).
-- glTF has y up and metres. Materials are told by name, see engine/view/gltf.h. Nothing here is anybody else's: LICENSE of the project.
local function scene() return { nodes = {} } end

-- a node of one material: corners and normals, three numbers each, counter-clockwise seen from outside
local function node(out, name, material, at)
  local n = { name = name, material = material, at = at or { 0, 0, 0 }, places = {}, normals = {} }
  table.insert(out.nodes, n)
  return n
end

local function triangle(n, a, b, c)
  local u, v = {}, {}
  for i = 1, 3 do u[i], v[i] = b[i] - a[i], c[i] - a[i] end
  local normal = { u[2] * v[3] - u[3] * v[2], u[3] * v[1] - u[1] * v[3], u[1] * v[2] - u[2] * v[1] }
  local length = math.sqrt(normal[1] ^ 2 + normal[2] ^ 2 + normal[3] ^ 2)
  for _, corner in ipairs { a, b, c } do
    for i = 1, 3 do
      table.insert(n.places, corner[i])
      table.insert(n.normals, normal[i] / length)
    end
  end
end

local function quad(n, a, b, c, d)
  triangle(n, a, b, c)
  triangle(n, a, c, d)
end

-- between two quadrilaterals, each given by its corners counter-clockwise seen from the second
local function hull(n, low, high)
  quad(n, low[4], low[3], low[2], low[1])
  quad(n, high[1], high[2], high[3], high[4])
  for i = 1, 4 do
    local k = i % 4 + 1
    quad(n, low[i], low[k], high[k], high[i])
  end
end

local function box(n, x0, y0, z0, x1, y1, z1)
  local function ring(y) return { { x0, y, z1 }, { x1, y, z1 }, { x1, y, z0 }, { x0, y, z0 } } end
  hull(n, ring(y0), ring(y1))
end

-- a gabled roof over a box, its ridge along z
local function roof(n, x0, y0, z0, x1, y1, z1)
  local middle = (x0 + x1) / 2
  quad(n, { x0, y0, z0 }, { x1, y0, z0 }, { x1, y0, z1 }, { x0, y0, z1 })
  quad(n, { x0, y0, z0 }, { x0, y0, z1 }, { middle, y1, z1 }, { middle, y1, z0 })
  quad(n, { x1, y0, z1 }, { x1, y0, z0 }, { middle, y1, z0 }, { middle, y1, z1 })
  triangle(n, { x0, y0, z1 }, { x1, y0, z1 }, { middle, y1, z1 })
  triangle(n, { x1, y0, z0 }, { x0, y0, z0 }, { middle, y1, z0 })
end

-- something round along y, with `sides` corners
local function frustum(n, x, z, y0, y1, r0, r1, sides)
  local function at(i, y, r)
    local angle = 2 * math.pi * (i % sides) / sides
    return { x + r * math.cos(angle), y, z + r * math.sin(angle) }
  end
  for i = 1, sides do
    local a, b, c, d = at(i, y0, r0), at(i, y1, r1), at(i + 1, y1, r1), at(i + 1, y0, r0)
    quad(n, a, b, c, d)
    triangle(n, { x, y0, z }, a, d)
    triangle(n, { x, y1, z }, c, b)
  end
end

-- writing

local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local word = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 3, 0, -1 do
      local six = word >> 6 * k & 63
      table.insert(out, (k == 1 and not b or k == 0 and not c) and "=" or digits:sub(six + 1, six + 1))
    end
  end
  return table.concat(out)
end

local function packed(numbers)
  local out = {}
  for i, x in ipairs(numbers) do out[i] = string.pack("<f", x) end
  return table.concat(out)
end

local function bounds(places)
  local low, high = { 1e9, 1e9, 1e9 }, { -1e9, -1e9, -1e9 }
  for i = 1, #places do
    local k = (i - 1) % 3 + 1
    low[k], high[k] = math.min(low[k], places[i]), math.max(high[k], places[i])
  end
  return string.format("[%.9g, %.9g, %.9g]", table.unpack(low)), string.format("[%.9g, %.9g, %.9g]", table.unpack(high))
end

local colours = { body = "0.85, 0.85, 0.83", pale = "0.93, 0.93, 0.94", dark = "0.29, 0.33, 0.37", metal = "0.64, 0.68, 0.71", glow = "0.95, 0.63, 0.29" }

-- sizes are for the eye, as those of the other meshes are: `scale` draws a hamlet together beside pumps
local function write(out, path, scale)
  local nodes, meshes, materials, accessors, views, bytes, material_of, offset = {}, {}, {}, {}, {}, {}, {}, 0
  for i, n in ipairs(out.nodes) do
    for k, x in ipairs(n.places) do n.places[k] = x * scale end
    for k, x in ipairs(n.at) do n.at[k] = x * scale end
    if not material_of[n.material] then
      material_of[n.material] = #materials
      table.insert(materials, string.format('{ "name": "%s", "pbrMetallicRoughness": { "baseColorFactor": [%s, 1] } }', n.material, colours[n.material]))
    end
    local low, high = bounds(n.places)
    for k, numbers in ipairs { n.places, n.normals } do
      local chunk = packed(numbers)
      table.insert(views, string.format('{ "buffer": 0, "byteOffset": %d, "byteLength": %d, "target": 34962 }', offset, #chunk))
      local range = k == 1 and string.format(', "min": %s, "max": %s', low, high) or ""
      table.insert(accessors, string.format('{ "bufferView": %d, "componentType": 5126, "count": %d, "type": "VEC3"%s }', #views - 1, #numbers // 3, range))
      table.insert(bytes, chunk)
      offset = offset + #chunk
    end
    table.insert(meshes, string.format('{ "primitives": [{ "attributes": { "POSITION": %d, "NORMAL": %d }, "material": %d }] }', 2 * i - 2, 2 * i - 1, material_of[n.material]))
    table.insert(nodes, string.format('{ "name": "%s", "mesh": %d, "translation": [%.9g, %.9g, %.9g] }', n.name, i - 1, table.unpack(n.at)))
  end
  local indices = {}
  for i = 1, #nodes do indices[i] = i - 1 end
  local file = assert(io.open(path, "w"))
  file:write('{\n  "asset": { "version": "2.0", "generator": "assets/meshes/make.lua" },\n  "scene": 0,\n  "scenes": [{ "nodes": [', table.concat(indices, ", "), '] }],\n')
  for _, part in ipairs { { "nodes", nodes }, { "meshes", meshes }, { "materials", materials }, { "accessors", accessors }, { "bufferViews", views } } do
    file:write('  "', part[1], '": [\n    ', table.concat(part[2], ",\n    "), "\n  ],\n")
  end
  local all = table.concat(bytes)
  file:write('  "buffers": [{ "byteLength": ', #all, ', "uri": "data:application/octet-stream;base64,', base64(all), '" }]\n}\n')
  file:close()
end

-- a hamlet: houses around a place, one of them with a tower
local function houses()
  local out = scene()
  local walls, roofs, dark, windows = node(out, "walls", "body"), node(out, "roofs", "dark"), node(out, "doors", "dark"), node(out, "windows", "glow")
  local coarse_walls, coarse_roofs = node(out, "level1_walls", "body"), node(out, "level1_roofs", "dark")
  local function house(x, z, wide, deep, high)
    for _, part in ipairs { walls, coarse_walls } do box(part, x - wide / 2, 0, z - deep / 2, x + wide / 2, high, z + deep / 2) end
    for _, part in ipairs { roofs, coarse_roofs } do roof(part, x - wide / 2 - 0.3, high, z - deep / 2 - 0.3, x + wide / 2 + 0.3, high + wide * 0.45, z + deep / 2 + 0.3) end
    box(dark, x - 0.5, 0, z + deep / 2, x + 0.5, 1.9, z + deep / 2 + 0.06)
    for _, side in ipairs { -1, 1 } do
      box(windows, x + side * wide * 0.32 - 0.45, 1.2, z + deep / 2, x + side * wide * 0.32 + 0.45, 2.2, z + deep / 2 + 0.05)
      box(windows, x + wide / 2, 1.2, z + side * deep * 0.22 - 0.45, x + wide / 2 + 0.05, 2.2, z + side * deep * 0.22 + 0.45)
    end
    box(dark, x + wide * 0.18, high, z - deep * 0.2, x + wide * 0.18 + 0.6, high + wide * 0.45 + 0.4, z - deep * 0.2 + 0.6)
  end
  house(-5, -4.5, 5, 6, 3)
  house(4.5, -5, 6, 5, 3.4)
  house(-5.5, 4.5, 5, 5, 2.8)
  house(3.8, 4.2, 5.4, 6, 3)
  box(walls, -0.6, 0, -1.2, 1.2, 7, 0.6)
  box(coarse_walls, -0.6, 0, -1.2, 1.2, 7, 0.6)
  frustum(roofs, 0.3, -0.3, 7, 10, 1.5, 0.05, 4)
  frustum(coarse_roofs, 0.3, -0.3, 7, 10, 1.5, 0.05, 4)
  return out
end

-- a wind turbine: its rotor turns around the axis that looks at the wind, along glTF's z
local function turbine()
  local out = scene()
  local tower, hub = node(out, "tower", "pale"), node(out, "nacelle", "body")
  frustum(tower, 0, 0, 0, 40, 1.5, 0.85, 16)
  box(hub, -1.3, 39.6, -2.6, 1.3, 42.2, 2.2)
  local rotor = node(out, "spin_y rotor", "pale", { 0, 41, 2.9 })
  box(rotor, -0.8, -0.8, -0.7, 0.8, 0.8, 0.5)
  for blade = 0, 2 do
    local angle = 2 * math.pi * blade / 3
    local c, s = math.cos(angle), math.sin(angle)
    local function at(across, along, deep) return { c * across - s * along, s * across + c * along, deep } end
    local function section(along, wide, thick) return { at(-wide * 0.3, along, thick), at(wide * 0.7, along, thick), at(wide * 0.7, along, -thick), at(-wide * 0.3, along, -thick) } end
    hull(rotor, section(0.6, 1.2, 0.3), section(5, 2.2, 0.22))
    hull(rotor, section(5, 2.2, 0.22), section(20, 0.5, 0.08))
  end
  return out
end

write(houses(), "houses.gltf", 0.28)
write(turbine(), "turbine.gltf", 0.35)
