// What a first visit to a room loads, as bytes on the wire, held to its budget. Called by `make bytes`, which
// `make check` ends with, and by scripts/test. Starts the release program on a free port with an empty data folder.
import { once } from "node:events";
import { get } from "node:http";
import { brotliDecompressSync } from "node:zlib";
import { withProgram } from "../end2end/support/program.mjs";

// docs/development.md has the parts. Raise it for nothing but a feature that is worth it.
const BUDGET = 352_800;

const total = await withProgram(measure);
const verdict = `${total} of at most ${BUDGET} bytes`;
console.log(`  ${"in all".padEnd(40)} ${verdict}`);
if (total > BUDGET) {
  console.error(`bytes: a first visit is over its budget: ${verdict}`);
  process.exitCode = 1;
}

/** The page and every file that it names. */
async function measure(url) {
  const page = await load(`${url}/rooms/general`, "the page");
  const names = new Set(page.text.match(/\/pkg\/[\w./-]+/g));
  let total = page.size;
  // live.js names files beside it: those that start the page, and the one for each page with a composer.
  for (const name of names) {
    const file = await load(url + name, name.split("/").at(-1));
    total += file.size;
    if (!name.endsWith("/live.js")) continue;
    for (const [beside] of file.text.matchAll(/(?:idobata\.(?:wasm|js)|files\.js)\b/g)) names.add(name.replace("live.js", beside));
  }
  return total;
}

/** Loads as a browser does, compressed. */
async function load(url, name) {
  const accept = { "accept-encoding": "br" };
  const [response] = await once(get(url, { headers: accept }), "response");
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`);
  const parts = [];
  for await (const part of response) parts.push(part);
  const body = Buffer.concat(parts);
  console.log(`  ${name.padEnd(40)} ${body.length}`);
  const text = response.headers["content-encoding"] === "br" ? brotliDecompressSync(body) : body;
  return { size: body.length, text: text.toString("latin1") };
}
