// A reverse proxy as some networks have it: one that passes no WebSockets on, or holds them or streams back.
import { type AddressInfo, type Socket, connect } from "node:net";
import { createServer, type IncomingMessage, request, type Server as HttpServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { Duplex } from "node:stream";

export class Proxy {
  blocksSockets = true;
  holdsStreams = false;
  /** The sockets that are asked for wait here, neither refused nor opened, while there is a list. */
  waitingSockets?: (() => void)[];
  /** A page stops after this text, until `letPagesCome`. */
  stopsPagesAfter?: string;
  /** Pages that are asked for get no answer. */
  holdsPages = false;
  /** The site is one of this build: its pages and its worker name the build's files, which are those that the server has. */
  build?: string;
  /** What becomes of the text of a page or of the worker on its way. */
  edit?: (text: string) => string;
  /** A node of the build before still answers for the files. */
  hasOldFiles = false;
  private waitingPages: (() => void)[] = [];

  private constructor(
    private readonly server: HttpServer,
    private readonly sockets: Set<Socket>,
    readonly url: string,
  ) {}

  static async start(target: string): Promise<Proxy> {
    const { hostname: host, port } = new URL(target);
    const own = /\/pkg\/(\w+)\//.exec(await (await fetch(target)).text())![1]!;
    const server = createServer((from, to) => {
      const { method, headers } = from;
      const path = proxy.build && !proxy.hasOldFiles ? from.url!.replace(`/pkg/${proxy.build}/`, `/pkg/${own}/`) : from.url;
      const isEdited = (proxy.build || proxy.edit) && (path === "/service-worker.js" || headers.accept?.startsWith("text/html"));
      if (isEdited) delete headers["accept-encoding"];
      if (proxy.holdsPages && headers.accept?.startsWith("text/html")) return;
      if (proxy.stopsPagesAfter) delete headers["accept-encoding"];
      const onward = request({ host, port, method, path, headers }, (answer) => {
        const isStream = answer.headers["content-type"] === "text/event-stream";
        if (isStream && proxy.holdsStreams) return void answer.resume(); // collects, and waits for the end
        if (isEdited) delete answer.headers["content-length"];
        to.writeHead(answer.statusCode!, answer.headers);
        to.flushHeaders();
        const isPage = answer.headers["content-type"]?.startsWith("text/html");
        if (isPage && proxy.stopsPagesAfter) proxy.stopPage(answer, to, proxy.stopsPagesAfter);
        else if (isEdited) proxy.sendEdited(answer, to, own);
        else answer.pipe(to);
      });
      onward.on("error", () => to.destroy());
      to.on("close", () => onward.destroy());
      from.pipe(onward);
    });
    server.on("upgrade", (from, socket, head) => {
      if (proxy.waitingSockets) proxy.waitingSockets.push(() => open(from, socket, head));
      else open(from, socket, head);
    });
    const open = (from: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (proxy.blocksSockets) return void socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      const onward = connect(Number(port), host, () => {
        const headers = Object.entries(from.headers).map(([name, value]) => `${name}: ${value}\r\n`);
        onward.write(`GET ${from.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
        onward.write(head);
        onward.pipe(socket).pipe(onward);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
      socket.on("close", () => onward.destroy());
    };
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new Proxy(server, sockets, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return proxy;
  }

  /** Cuts everything that is open. */
  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Lets the waiting sockets come, and every later one. */
  letSocketsCome() {
    for (const come of this.waitingSockets ?? []) come();
    this.waitingSockets = undefined;
  }

  /** Lets the rest of every page come. */
  letPagesCome() {
    for (const come of this.waitingPages.splice(0)) come();
  }

  private async stopPage(from: IncomingMessage, to: ServerResponse, after: string) {
    const page = (await from.toArray()).join("");
    const end = page.indexOf(after) + after.length;
    to.write(page.slice(0, end));
    this.waitingPages.push(() => to.end(page.slice(end)));
  }

  private async sendEdited(from: IncomingMessage, to: ServerResponse, own: string) {
    const text = (await from.toArray()).join("").replaceAll(own, this.build ?? own);
    to.end(this.edit?.(text) ?? text);
  }

  async stop() {
    this.cut();
    this.server.close();
    await once(this.server, "close");
  }
}
