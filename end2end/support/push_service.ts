// A push service on a port of its own, and browsers that subscribe at it. What they read is decrypted by http_ece, and
// signatures are checked by Node: nothing of it is the server's code.
import { createECDH, createPublicKey, randomBytes, verify } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import ece from "http_ece";

export type Push = { device: string; headers: IncomingHttpHeaders; body: Buffer };

export class PushService {
  /** What came, in its order. */
  readonly pushes: Push[] = [];

  private constructor(private readonly server: HttpServer) {}

  static async start(): Promise<PushService> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => {
        service.pushes.push({ device: request.url!.slice(1), headers: request.headers, body: Buffer.concat(parts) });
        response.writeHead(201).end();
      });
    });
    const service = new PushService(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The devices to which pushes came, in their order. */
  get devices(): string[] {
    return this.pushes.map(({ device }) => device);
  }

  device(name: string): Device {
    return new Device(`${this.origin}/${name}`);
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A browser with keys of its own. */
export class Device {
  private readonly keys = createECDH("prime256v1");
  private readonly secret = randomBytes(16).toString("base64url");
  private readonly point = this.keys.generateKeys().toString("base64url");

  constructor(private readonly endpoint: string) {}

  /** The subscription as `PushSubscription.toJSON` gives it. */
  get subscription() {
    return { endpoint: this.endpoint, expirationTime: null, keys: { p256dh: this.point, auth: this.secret } };
  }

  /** The payload as the service worker gets it. */
  read({ body }: Push) {
    const text = ece.decrypt(body, { version: "aes128gcm", privateKey: this.keys, authSecret: this.secret });
    return JSON.parse(text.toString());
  }
}

/** The claims of a push's signature, if it is one of this key (RFC 8292), which is as browsers get it. */
export function claims({ headers }: Push, key: string) {
  const [, token, named] = /^vapid t=(\S+), k=(\S+)$/.exec(headers.authorization!)!;
  if (named !== key) throw new Error("signed with another key than the browser subscribed with");
  const [head, body, signature] = token!.split(".") as [string, string, string];
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  const jwk = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
  const signed = Buffer.from(`${head}.${body}`);
  const isSigned = verify("sha256", signed, { key: jwk, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
  if (!isSigned) throw new Error("the signature is of another key");
  return JSON.parse(Buffer.from(body, "base64url").toString());
}
