// The release program on a free port with its own data folder; ended by its process id.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const PROGRAM = process.env.IDOBATA ?? join(import.meta.dirname, "../../target/release/idobata");

// Many people, all of them from one address, and quicker than people are.
const UNLIMITED = {
  IDOBATA_LIMIT_MESSAGES: "off",
  IDOBATA_LIMIT_SESSIONS: "off",
  IDOBATA_LIMIT_PUBLISHES: "off",
  IDOBATA_LIMIT_REQUESTS: "off",
  IDOBATA_LIMIT_FRAMES: "off",
};

type Options = { listen?: string; env?: NodeJS.ProcessEnv };

export class Server {
  /** What closes the pages of a server, by its origin. */
  static readonly pages = new Map<string, (() => Promise<void>)[]>();

  private constructor(
    readonly url: string,
    /** Where the first administrator joins, as the program says; none where people have no accounts. */
    readonly setupLink: string | undefined,
    private child: ChildProcess,
    private readonly data: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Starts a server and waits until it says where it listens. */
  static async start({ listen = "127.0.0.1:0", env = {} }: Options = {}) {
    const data = await mkdtemp(join(tmpdir(), "idobata-e2e-"));
    const { url, child, setupLink } = await Server.spawn(data, listen, env, env.IDOBATA_AUTH === "accounts");
    return new Server(url, setupLink, child, data, env);
  }

  private static async spawn(data: string, listen: string, env: NodeJS.ProcessEnv, hasSetup = false) {
    const child = spawn(PROGRAM, ["--listen", listen, "--data", data], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...UNLIMITED, ...env },
    });
    const said: string[] = [];
    let url: string | undefined;
    let setupLink: string | undefined;
    for await (const line of createInterface({ input: child.stderr! })) {
      said.push(line);
      url ??= line.match(/listening on (http:\/\/\S+)/)?.[1];
      setupLink ??= line.match(/^ +(http:\/\/\S+\/join\/\S+)$/)?.[1];
      if (url && (setupLink || !hasSetup)) {
        child.stderr!.resume(); // what follows is not read, and must not fill the pipe
        return { url, child, setupLink };
      }
    }
    throw new Error(`the server did not start:\n${said.join("\n")}`);
  }

  /** Ends the program at once, as a crash would, and starts it again on the same address and data. */
  async crash() {
    await this.end("SIGKILL");
    ({ child: this.child } = await Server.spawn(this.data, new URL(this.url).host, this.env));
  }

  /** Ends the program at once, as a crash would, and leaves it at that. */
  async kill() {
    await this.end("SIGKILL");
  }

  /** Overwrites the database under the program, as a dying disk would: from now on nothing can be read from it. */
  async damage() {
    const file = await open(join(this.data, "idobata.db"), "r+");
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size, 0xff), 0, size, 0);
    await file.close();
  }

  private async end(signal: NodeJS.Signals) {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    await ended;
  }

  /** Closes its pages and stops: what a page asks for in that moment is no fault. */
  async stop() {
    for (const close of Server.pages.get(this.url) ?? []) await close();
    Server.pages.delete(this.url);
    await this.leave();
  }

  /** Stops under its pages. */
  async leave() {
    await this.end("SIGTERM");
    await rm(this.data, { recursive: true });
  }

  /** Publishes to the feed as a program does. */
  async publish(channel: string, body: string | object) {
    const isText = typeof body === "string";
    const response = await fetch(`${this.url}/api/events/${channel}`, {
      method: "POST",
      headers: isText ? {} : { "Content-Type": "application/json" },
      body: isText ? body : JSON.stringify(body),
    });
    if (response.status !== 201) throw new Error(`publishing: ${response.status} ${await response.text()}`);
  }

  /** The live connections by kind, as the server counts them. */
  async connections(): Promise<Record<string, number>> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const rows = text.matchAll(/^idobata_connections\{kind="(\w+)"\} (\d+)$/gm);
    return Object.fromEntries([...rows].map(([, kind, count]) => [kind, Number(count)]));
  }
}
