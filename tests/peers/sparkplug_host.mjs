// A host application on npm's mqtt and sparkplug-payload: PORT and the id of the host on the command line. It tells on standard output what it hears, one
// line per message with its metrics in JSON, and does what each line of its standard input says.
//
//   online | offline              its state
//   rebirth GROUP NODE
//   set GROUP NODE DEVICE METRIC TYPE NUMBER
import { createInterface } from "node:readline";
import mqtt from "mqtt";
import payloads from "sparkplug-payload";

const [port, id] = process.argv.slice(2);
const { encodePayload, decodePayload } = payloads.get("spBv1.0");
const state = `spBv1.0/STATE/${id}`;
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clean: true });

const plain = (value) => (value !== null && typeof value === "object" && "toNumber" in value ? value.toNumber() : value);
const show = ({ name, alias, type, value, isNull }) => ({ name, alias: alias === undefined ? undefined : plain(alias), type, value: isNull ? null : plain(value) });

client.on("connect", () => client.subscribe("spBv1.0/works/#", { qos: 1 }, () => console.log("ready")));
client.on("message", (topic, bytes) => {
  const { seq, metrics } = decodePayload(bytes);
  const [, , message, ...where] = topic.split("/");
  console.log(`${message} ${where.join("/")} ${seq === undefined || seq === null ? "-" : plain(seq)} ${JSON.stringify(metrics.map(show))}`);
});
client.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});

const tell = (online) => client.publish(state, JSON.stringify({ online, timestamp: Date.now() }), { qos: 1, retain: true });
const command = (topic, metric) => client.publish(topic, Buffer.from(encodePayload({ timestamp: Date.now(), metrics: [metric] })));
const orders = {
  online: () => tell(true),
  offline: () => tell(false),
  rebirth: (group, node) => command(`spBv1.0/${group}/NCMD/${node}`, { name: "Node Control/Rebirth", type: "Boolean", value: true }),
  set: (group, node, device, name, type, value) => command(`spBv1.0/${group}/DCMD/${node}/${device}`, { name, type, value: Number(value) }),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const [order, ...words] = line.split(" ");
  orders[order](...words);
});
process.stdin.on("end", () => process.exit(0));
