// What Lighthouse (mobile, as it comes) says of the pages: the four scores, when the largest part is painted, when the page
// answers to events, for how long it did not (TBT), what a first visit loads, and every audit that is not content. Called by
// `make lighthouse`; figures, not a test. Addresses of other pages, as arguments, are measured in the same run to compare.
//
// A page with open connections never becomes idle for Lighthouse's network watch; it goes on after its own limit.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { withProgram } from "./support/program.mjs";

const PAGES = ["/", "/rooms/general"];
// Not among the stories' packages: nothing else needs it, and it brings a hundred.
const LIGHTHOUSE = "lighthouse@12.8.2";
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];

await withProgram(async (url) => {
  await fill(url);
  for (const page of PAGES) report(page, await audit(url + page));
  for (const other of process.argv.slice(2)) report(other, await audit(other));
});

/** A day's talk and news, so that the pages have something to show. */
async function fill(url) {
  const json = { "content-type": "application/json" };
  const post = async (path, body, headers = json) => {
    const response = await fetch(url + path, { method: "POST", headers, body });
    if (response.status !== 201) throw new Error(`${path}: ${response.status}`);
    return response;
  };
  const { token } = await (await post("/api/session", JSON.stringify({ name: "alice" }))).json();
  for (let number = 1; number <= 20; number += 1) {
    const message = { id: crypto.randomUUID(), text: `The ${number}. thing that is said at the well this morning.` };
    await post("/api/rooms/general/messages", JSON.stringify(message), { ...json, authorization: `Bearer ${token}` });
    await post("/api/events/api", JSON.stringify({ type: "update", key: "latency", value: number / 3, unit: "ms" }));
    if (number % 3 === 0) await post("/api/events/ops", `backup ${number} done`, {});
  }
}

async function audit(url) {
  const args = ["--yes", LIGHTHOUSE, url, "--quiet", "--output=json", "--chrome-flags=--headless=new --no-sandbox"];
  const env = { ...process.env, CHROME_PATH: process.env.CHROMIUM ?? "/usr/bin/chromium" };
  const { stdout } = await promisify(execFile)("npx", args, { env, cwd: import.meta.dirname, maxBuffer: 64 << 20 });
  return JSON.parse(stdout);
}

function report(page, { categories, audits }) {
  const scores = CATEGORIES.map((id) => `${categories[id].title} ${Math.round(categories[id].score * 100)}`);
  const value = (id) => audits[id]?.displayValue ?? "–";
  const live = audits["user-timings"]?.details?.items?.find(({ name }) => name === "live")?.startTime;
  console.log(`\n${page}  ${scores.join(" · ")}`);
  console.log(`  LCP ${value("largest-contentful-paint")}, FCP ${value("first-contentful-paint")}, live ${live ? `${Math.round(live)} ms` : "–"}, blocked ${value("total-blocking-time")}, shift ${value("cumulative-layout-shift")}, loaded ${value("total-byte-weight")}`);
  const largest = audits["largest-contentful-paint-element"]?.details?.items?.[0]?.items?.[0]?.node;
  if (largest) console.log(`  largest: ${largest.selector}: ${largest.nodeLabel}`);
  const refs = new Set(CATEGORIES.flatMap((id) => categories[id].auditRefs.map((ref) => ref.id)));
  for (const { id, score, scoreDisplayMode, title, displayValue } of Object.values(audits)) {
    if (!refs.has(id) || score === null || score >= 1 || scoreDisplayMode === "informative") continue;
    console.log(`  below 1: ${id} (${score}) ${title}${displayValue ? `: ${displayValue}` : ""}`);
  }
}
