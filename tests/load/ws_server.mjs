// ws_server.mjs -- npm's `ws` doing what Pollux does: one text to all clients, again as soon as all have it. For scripts/load.
//
// node ws_server.mjs CLIENTS BYTES MESSAGES: when CLIENTS have connected, rounds of MESSAGES messages of BYTES bytes to each of them, until standard
// input ends. A round begins when nothing of the one before waits in this process any more, so that it does not drown in its own queue.
import { WebSocketServer } from 'ws';

const [clients, bytes, messages] = process.argv.slice(2).map(Number);
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
const open = new Set();
let round = 0;

/** One value as a message of its own, filled up to its length. */
function message(index) {
  const text = JSON.stringify({
    topic: 'tick',
    tag: `swing_${index}.x`,
    value: Math.sin(round + index),
    time: Date.now(),
  });
  return text.padEnd(bytes, ' ');
}

function broadcast() {
  let waiting = false;
  for (const client of open) waiting ||= client.bufferedAmount > 0;
  if (!waiting) {
    round++;
    for (let i = 0; i < messages; i++) {
      const text = Buffer.from(message(i));
      for (const client of open) client.send(text, { binary: false });
    }
  }
  setImmediate(broadcast);
}

server.on('listening', () => console.log(server.address().port));
server.on('connection', (client) => {
  open.add(client);
  client.on('close', () => open.delete(client));
  client.on('error', () => open.delete(client));
  if (open.size === clients) broadcast();
});
process.stdin.on('end', () => process.exit(0)).resume();
