// Counters in the memory of one process, over HTTP/2 with prior knowledge; knows no other path. After GOAWAY_AFTER requests
// it ends their connection in order, where that is set.
"use strict";
const http2 = require("http2");

const counts = new Map();
const most = Number(process.env.GOAWAY_AFTER);
const server = http2.createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    const parts = request.url.split("/");
    if (request.method !== "POST" || parts[3] !== "method" || parts[4] !== "add") {
      response.statusCode = 404;
      return response.end("{}");
    }
    const session = request.stream.session;
    session.served = (session.served || 0) + 1;
    if (session.served === most) session.close();
    counts.set(parts[2], (counts.get(parts[2]) || 0) + 1);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({count: counts.get(parts[2]), epoch: Number(request.headers["ringside-epoch"]), pid: process.pid}));
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
