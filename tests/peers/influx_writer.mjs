// Writes points by InfluxData's own client: URL TOKEN BUCKET COUNT on the command line. Says how many were written, or why they were not.
import { InfluxDB, Point } from "@influxdata/influxdb-client";

const [url, token, bucket, count] = process.argv.slice(2);
const api = new InfluxDB({ url, token }).getWriteApi("works", bucket, "ms", { maxRetries: 0, gzipThreshold: 0 });
const begun = Date.now();
for (let i = 0; i < Number(count); i++)
  api.writePoint(new Point("tank").tag("id", "1").tag("site", "north field").floatField("level", 0.3 + i / 1000).stringField("note", "as it, was").timestamp(begun - 10 * i));
try {
  await api.close();
  console.log(`written ${count}`);
} catch (error) {
  console.log(`refused ${error.statusCode} ${error.message}`);
}
