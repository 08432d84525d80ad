// A TCP proxy that cuts every connection at a moment of chance, some of them at a byte of chance before, so that some of
// what was on its way arrives and the rest never does.
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";

// Milliseconds from the opening of a connection to its end.
const LIFE_MIN = 20;
const LIFE_MAX = 1_500;
// One connection in so many ends after so many bytes of the server's at most: a poll is over before its time is.
const BY_BYTES = 8;
const BYTES_MAX = 1_000;

/** Connects a client to the server behind, so that the end of one is the end of the other. */
function dial(target: string, client: Socket, open: Set<Socket>) {
  const { hostname, port } = new URL(target);
  const onward = connect(Number(port), hostname);
  const end = () => [client, onward].forEach((socket) => socket.destroy());
  for (const socket of [client, onward]) {
    open.add(socket);
    socket.on("error", end);
    socket.on("close", () => {
      open.delete(socket);
      end();
    });
  }
  return { onward, end };
}

export class Cutter {
  cuts = 0;
  private isCalm = false;

  private constructor(
    private readonly server: Server,
    private readonly open: Set<Socket>,
    readonly url: string,
  ) {}

  static async start(target: string): Promise<Cutter> {
    const open = new Set<Socket>();
    const server = createServer((client) => {
      const { onward, end } = dial(target, client, open);
      const cut = () => {
        if (cutter.isCalm || client.destroyed) return;
        cutter.cuts += 1;
        end();
      };
      let bytes = Math.random() * BY_BYTES < 1 ? Math.random() * BYTES_MAX : Infinity;
      client.pipe(onward);
      onward.on("data", (data: Buffer) => {
        const isLast = !cutter.isCalm && data.length > bytes;
        client.write(isLast ? data.subarray(0, bytes) : data, () => isLast && cut());
        bytes -= data.length;
      });
      const timer = setTimeout(cut, LIFE_MIN + Math.random() * (LIFE_MAX - LIFE_MIN));
      client.on("close", () => clearTimeout(timer));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const cutter = new Cutter(server, open, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return cutter;
  }

  /** From now on connections live as long as they will. */
  calm() {
    this.isCalm = true;
  }

  async stop() {
    for (const socket of this.open) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}

/** A TCP proxy that cuts a connection when as many bytes have come over it, once for each of these numbers. It counts the
 * bytes that come. */
export class UploadCutter {
  received = 0;

  private constructor(
    private readonly server: Server,
    private readonly open: Set<Socket>,
    readonly url: string,
    private readonly cuts: number[],
  ) {}

  static async start(target: string, ...cuts: number[]): Promise<UploadCutter> {
    const open = new Set<Socket>();
    const server = createServer((client) => {
      const { onward } = dial(target, client, open);
      let bytes = 0;
      client.on("data", (data: Buffer) => {
        cutter.received += data.length;
        bytes += data.length;
        if (bytes < (cutter.cuts[0] ?? Infinity)) return;
        cutter.cuts.shift();
        // What has come goes on; the answer does not come.
        onward.end(() => client.destroy());
      });
      client.pipe(onward);
      onward.pipe(client);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const cutter = new UploadCutter(server, open, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cuts);
    return cutter;
  }

  get isThrough() {
    return this.cuts.length === 0;
  }

  async stop() {
    for (const socket of this.open) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}
