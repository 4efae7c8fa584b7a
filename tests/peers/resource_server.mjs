// An HTTP server for tests: it keeps what is PUT or POSTed under a path and gives it back, with an entity tag. PORT [CERTIFICATE KEY] on the command line, PEM files
// with which it speaks TLS; it says its port when it listens.
//   /writes   how many bodies were written    /unchanged   how often 304 was enough
//   /silent   never answers                   /refused     403 to everything
//   /long     2 MiB                           /nonsense    no HTTP            /cut       half of what it announces
//   /deep     brackets, 100,000 deep          /nan         "nan"              /lines     line protocol
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const kept = new Map();
let writes = 0;
let unchanged = 0;

const give = (request, response, body) => {
  const tag = `"${createHash("sha1").update(body).digest("hex")}"`;
  response.setHeader("ETag", tag);
  if (request.headers["if-none-match"] === tag) {
    unchanged++;
    response.writeHead(304).end();
  } else {
    response.end(body);
  }
};

const odd = {
  "/long": () => "1".repeat(2 << 20),
  "/deep": () => "[".repeat(100000),
  "/nan": () => "nan",
  "/lines": () => "tank,id=1 level=1\ntank,id=2,site=n level=4 1700000000000000000\n",
};

const [port, cert, key] = process.argv.slice(2);
const answer = (request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const path = request.url;
    if (path === "/silent") return;
    if (path === "/nonsense") return request.socket.end("\x00\xffHTTP is not spoken here\r\n\r\n");
    if (path === "/cut") return request.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n1234");
    if (path === "/refused") return response.writeHead(403).end();
    if (request.method === "GET") {
      if (path === "/writes") return response.end(String(writes));
      if (path === "/unchanged") return response.end(String(unchanged));
      if (path in odd) return response.end(odd[path]());
      return give(request, response, kept.get(path) ?? "0");
    }
    writes++;
    kept.set(path, Buffer.concat(chunks).toString());
    response.writeHead(204).end();
  });
};

const server = cert ? https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer) : http.createServer(answer);
server.listen(Number(port), "127.0.0.1", () => console.log(port));
