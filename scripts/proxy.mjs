// The proxy in front of `make cluster`: every TCP connection goes to the next node that answers, wherever the same
// browser was before. It passes bytes and adds no header, so the nodes see connections of this machine. For trying;
// what stands before real nodes is in deploy/.
//
//     node scripts/proxy.mjs PORT NODE_PORT…        all of them on 127.0.0.1; PORT 0 for a free one, which it says

import { connect, createServer } from "node:net";
import { pipeline } from "node:stream";

const HOST = "127.0.0.1";
/** A node that takes longer to accept than this is passed over; on one machine it is there at once, or not at all. */
const CONNECT_MS = 1_000;

const [port, ...nodes] = process.argv.slice(2).map(Number);
const away = new Set();
let turn = 0;

/** Connects to a node. Calls back once, with a socket or with nothing. */
function reach(node, done) {
  const socket = connect({ host: HOST, port: node, noDelay: true, allowHalfOpen: true });
  const failed = () => {
    socket.destroy();
    if (!away.has(node)) console.error(`node on ${node} does not answer`);
    away.add(node);
    done();
  };
  socket.setTimeout(CONNECT_MS, failed);
  socket.once("error", failed);
  socket.once("connect", () => {
    socket.setTimeout(0);
    socket.off("error", failed);
    if (away.delete(node)) console.error(`node on ${node} answers again`);
    done(socket);
  });
}

/** Gives the client to the next node, or to one of `others` after it. */
function serve(client, others) {
  const node = nodes[turn++ % nodes.length];
  reach(node, (server) => {
    if (server) pipeline(client, server, client, () => {});
    else if (others > 0) serve(client, others - 1);
    else client.destroy();
  });
}

const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (client) => {
  // A client that goes away while a node is looked for ends in the pipeline.
  client.on("error", () => {});
  serve(client, nodes.length - 1);
});
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(port, HOST, () => console.log(`listening on http://${HOST}:${server.address().port}`));
