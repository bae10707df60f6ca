// A counter actor over HTTP; node app.js, then: ringside serve --app http://127.0.0.1:8080
const fs = require("fs");
const counts = new Map(), fences = new Map();  // a fence outlives its actor
const record = fs.openSync(process.env.RECORD || "/dev/null", "a");

const server = require("http").createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const [status, body] = handle(request, Buffer.concat(chunks));
    response.writeHead(status, {"content-type": "application/json", "ringside-app-instance": String(process.pid)});
    response.end(body === undefined ? "" : JSON.stringify(body));
  });
});

function handle(request, body) {
  const [, actors, id, what] = request.url.split("/");  // /actors/{id}/apply or /actors/{id}/method/{path}
  if (actors === "healthz") return [200];
  if (actors !== "actors") return [404];
  if (request.method === "DELETE") {
    if (id) counts.delete(id); else counts.clear();
    return [200];
  }
  const epoch = Number(request.headers["ringside-epoch"]);
  if (epoch < (fences.get(id) || 0)) return [409, {error: "an older activation"}];
  fences.set(id, epoch);
  const messages = what === "apply" ? JSON.parse(body).messages || [] : [{value: request.url}];
  counts.set(id, (counts.get(id) || 0) + messages.length);
  for (const message of messages) fs.writeSync(record, `${id} ${epoch} ${message.value}\n`);
  const reply = {app: "Node.js", count: counts.get(id), epoch};
  if (what !== "apply") return [200, reply];
  return [200, {accepted: true, replies: [{"@type": "type.googleapis.com/google.protobuf.Struct", value: reply}]}];
}

server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1",
              () => console.log(`listening on ${server.address().port}`));
