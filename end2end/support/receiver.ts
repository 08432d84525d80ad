// A receiver of outgoing webhooks on a port of its own, which checks the signatures by the library that Standard Webhooks has
// for receivers, and answers with what a story wants.
import { createServer, type IncomingHttpHeaders, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

type Received = { headers: IncomingHttpHeaders; body: string };

export class Receiver {
  readonly requests: Received[] = [];
  /** The answer to what comes next. */
  status = 204;

  private constructor(private readonly server: HttpServer) {}

  static async start(): Promise<Receiver> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => {
        receiver.requests.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
        response.writeHead(receiver.status).end();
      });
    });
    const receiver = new Receiver(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/in`;
  }

  /** The texts of all that came, each signed with the secret. */
  texts(secret: string): string[] {
    const webhook = new Webhook(secret);
    const bodies = this.requests.map(({ headers, body }) => webhook.verify(body, headers as Record<string, string>));
    return bodies.flatMap((body) => (body as { entries: { text: string }[] }).entries.map(({ text }) => text));
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
