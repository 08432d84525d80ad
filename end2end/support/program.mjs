// The release program on a free port with an empty data folder, for what measures it from outside: the figures of
// `make bytes`, `make frames` and `make lighthouse`. The stories have their own, in server.ts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = process.env.IDOBATA ?? join(import.meta.dirname, "../../target/release/idobata");

/** Runs `measure` with the program's address; leaves nothing behind. */
export async function withProgram(measure) {
  const data = await mkdtemp(join(tmpdir(), "idobata-figures-"));
  const program = spawn(PROGRAM, ["--listen", "127.0.0.1:0", "--data", data, "--limit-messages=off", "--limit-requests=off", "--limit-frames=off"], { stdio: ["ignore", "ignore", "pipe"] });
  try {
    return await measure(await listening(program));
  } finally {
    program.kill();
    if (program.exitCode === null) await once(program, "exit");
    await rm(data, { recursive: true });
  }
}

/** Waits until the program says where it listens. */
async function listening(program) {
  for await (const line of createInterface({ input: program.stderr })) {
    const url = line.match(/listening on (http:\/\/\S+)/)?.[1];
    if (url) {
      program.stderr.resume();
      return url;
    }
  }
  throw new Error(`${PROGRAM} did not start`);
}
