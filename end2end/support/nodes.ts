// Stories on several nodes: servers with one PostgreSQL and one Redis, which a worker starts by the scripts of the tests
// over sockets, and a proxy before them that gives every connection to the next node.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Person } from "./people.ts";
import { Server } from "./server.ts";
import { named, test as base } from "./test.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Between the look for a free port and the start another process may take it. */
const ATTEMPTS = 20;
/** A page that loses its node says so in the console, and tries again. */
export const NODE_LOST = [/net::ERR_/, /WebSocket connection to/];

type Backing = { databaseUrl: () => Promise<string>; redisUrl: string };

type Fixtures = {
  /** Two nodes of one installation, which no other story has. */
  nodes: [Server, Server];
  /** The address of a proxy that gives every connection to the next node, whoever it is from. */
  entrance: string;
  /** Somebody of this name, with a browser of their own, at a node or at the entrance. */
  at: (place: Server | string, name: string) => Promise<Person>;
};

export const test = base.extend<Fixtures, { backing: Backing }>({
  backing: [
    async ({}, use) => {
      const postgres = await startPostgres();
      const redis = await startRedis();
      await use({ databaseUrl: () => newDatabase(postgres.folder), redisUrl: redis.url });
      await Promise.all([postgres.keeper.end(), redis.keeper.end()]);
    },
    { scope: "worker" },
  ],
  nodes: async ({ backing }, use) => {
    const env = {
      DATABASE_URL: await backing.databaseUrl(),
      REDIS_URL: backing.redisUrl,
      JWT_SECRET: "the nodes of a story sign with this key",
    };
    const first = await Server.start({ env });
    const second = await Server.start({ env });
    await use([first, second]);
    await Promise.all([first.stop(), second.stop()]);
  },
  entrance: async ({ nodes }, use) => {
    const ports = nodes.map((node) => new URL(node.url).port);
    const proxy = spawn(process.execPath, [join(ROOT, "scripts/proxy.mjs"), "0", ...ports], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [said] = await once(createInterface({ input: proxy.stdout }), "line");
    await use(said.match(/http:\S+/)[0]);
    await ended(proxy, () => proxy.kill());
  },
  at: async ({ somebody }, use) => {
    await use(async (place, name) => {
      const baseURL = typeof place === "string" ? place : place.url;
      return named(await somebody({ baseURL }), name);
    });
  },
});

/** A script that holds a server, takes commands line by line, and ends when its input does. */
class Keeper {
  private readonly answers: AsyncIterator<string>;

  constructor(private readonly child: ChildProcess) {
    this.answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(script: string): Promise<Keeper> {
    const text = await readFile(join(ROOT, "src/tests/support", script), "utf8");
    return new Keeper(spawn("sh", ["-c", text, script, text], { stdio: ["pipe", "pipe", "inherit"] }));
  }

  async answer(): Promise<string> {
    return (await this.answers.next()).value ?? "ended";
  }

  async ask(command: string): Promise<string> {
    this.child.stdin!.write(`${command}\n`);
    return this.answer();
  }

  async end() {
    await ended(this.child, () => this.child.stdin!.end());
  }
}

async function ended(child: ChildProcess, end: () => void) {
  const exit = once(child, "exit");
  end();
  if (child.exitCode === null) await exit;
}

async function startPostgres() {
  const keeper = await Keeper.start("cluster.sh");
  const folder = await keeper.answer();
  if (!folder.startsWith("/")) throw new Error(`PostgreSQL does not start: ${folder}`);
  return { keeper, folder };
}

let databases = 0;

async function newDatabase(folder: string): Promise<string> {
  const name = `story${(databases += 1)}`;
  const make = 'for bin in /usr/lib/postgresql/*/bin; do PATH="$bin:$PATH"; done; createdb --host "$1" --username idobata "$2"';
  await promisify(execFile)("sh", ["-c", make, "createdb", folder, name]);
  return `postgres://idobata@${encodeURIComponent(folder)}/${name}`;
}

async function startRedis() {
  const keeper = await Keeper.start("redis.sh");
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = await freePort();
    const answer = await keeper.ask(`start ${port}`);
    if (answer === "done") return { keeper, url: `redis://127.0.0.1:${port}` };
    if (answer !== "taken") throw new Error(`Redis does not start: ${answer}`);
  }
  throw new Error(`no free port after ${ATTEMPTS} attempts`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
