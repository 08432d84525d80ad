// The release program on a free port with its own data folder; ended by its process id.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = process.env.IDOBATA ?? join(import.meta.dirname, "../../target/release/idobata");

export class Server {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly data: string,
  ) {}

  /** Starts a server and waits until it says where it listens. */
  static async start({ listen = "127.0.0.1:0", env = {} }: { listen?: string; env?: NodeJS.ProcessEnv } = {}) {
    const data = await mkdtemp(join(tmpdir(), "idobata-e2e-"));
    const child = spawn(PROGRAM, ["--listen", listen, "--data", data], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
    });
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr! })) {
      said.push(line);
      const url = line.match(/listening on (http:\/\/\S+)/)?.[1];
      if (url) {
        child.stderr!.resume(); // what follows is not read, and must not fill the pipe
        return new Server(url, child, data);
      }
    }
    throw new Error(`the server did not start:\n${said.join("\n")}`);
  }

  async stop() {
    if (this.child.exitCode === null) {
      const ended = once(this.child, "exit");
      this.child.kill("SIGTERM");
      await ended;
    }
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
