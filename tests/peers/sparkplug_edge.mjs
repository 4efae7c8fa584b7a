// An edge node by npm's sparkplug-client: works/edge with a metric of its own, and the device tank1. PORT on the command line; it does what each line of its
// standard input says, and tells on standard output what hosts want.
//
//   data METRIC NUMBER    of the device
//   past METRIC NUMBER MS
//   null METRIC
//   alias NUMBER          data of the gauge, by its alias alone
//   lose                  a sequence number goes by unused
//   birth                 again, of both
//   death                 of the device
import { createInterface } from "node:readline";
import sparkplug from "sparkplug-client";

const port = Number(process.argv[2]);
const edge = sparkplug.newClient({ serverUrl: `mqtt://127.0.0.1:${port}`, username: "", password: "", groupId: "works", edgeNode: "edge", clientId: "edge", version: "spBv1.0" });
const values = { gauge: 0.5, count: -7, running: true, valve: 0 };
const types = { gauge: "Double", count: "Int16", running: "Boolean", valve: "Float" };
const aliases = { gauge: 1, count: 2, running: 3, valve: 4 };
let births = 0;

const metric = (name) => ({ name, alias: aliases[name], type: types[name], value: values[name], timestamp: Date.now() });
const birth = () => {
  births++;
  edge.publishNodeBirth({
    timestamp: Date.now(),
    metrics: [
      { name: "Node Control/Rebirth", type: "Boolean", value: false },
      { name: "uptime", type: "UInt64", value: 12345 },
      { name: "Properties/maker", type: "String", value: "someone" },
    ],
  });
  edge.publishDeviceBirth("tank1", { timestamp: Date.now(), metrics: Object.keys(values).map(metric) });
  console.log(`born ${births}`);
};
const data = (metrics) => edge.publishDeviceData("tank1", { timestamp: Date.now(), metrics });

edge.on("birth", birth);
edge.on("ncmd", ({ metrics }) => {
  if (metrics.some(({ name, value }) => name === "Node Control/Rebirth" && value)) birth();
});
edge.on("dcmd", (device, { metrics }) => {
  for (const { name, value } of metrics) {
    console.log(`command ${device} ${name} ${value}`);
    if (value === 99) continue; // it does not obey everything
    values[name] = value;
    data([metric(name)]);
  }
});
edge.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});

const orders = {
  data: (name, value) => {
    values[name] = types[name] === "Boolean" ? value === "true" : Number(value);
    data([{ name, type: types[name], value: values[name], timestamp: Date.now() }]);
  },
  past: (name, value, time) => data([{ name, type: types[name], value: Number(value), timestamp: Number(time), isHistorical: true }]),
  null: (name) => data([{ name, type: types[name], value: null, isNull: true }]),
  alias: (value) => data([{ alias: aliases.gauge, type: types.gauge, value: Number(value), timestamp: Date.now() }]),
  lose: () => edge.incrementSeqNum(),
  birth,
  death: () => edge.publishDeviceDeath("tank1", { timestamp: Date.now() }),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const [order, ...words] = line.split(" ");
  orders[order](...words);
});
process.stdin.on("end", () => process.exit(0));
