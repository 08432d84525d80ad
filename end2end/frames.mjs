// Typing while a thousand messages a second come into the open room: how long frames and key presses take, and
// whether every character is there. Called by `make frames`; figures, not a test.
import { Agent, request } from "node:http";
import { chromium } from "@playwright/test";
import { withProgram } from "./support/program.mjs";

const SECONDS = 5;
const RATE = Number(process.env.RATE ?? 1_000);
const TEXT = "the quick brown fox jumps over the lazy dog and types on";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  await withProgram(measure);
} finally {
  await browser.close();
}

async function measure(url) {
  const page = await browser.newPage();
  await page.goto(`${url}/rooms/general`);
  await page.locator(".conversation [data-connection=open]").waitFor();
  await page.evaluate(watch);
  const composer = page.locator(".composer textarea");
  const [posted] = await Promise.all([flood(url), composer.pressSequentially(TEXT, { delay: (SECONDS * 800) / TEXT.length })]);
  await page.getByText(`message ${posted - 1}`, { exact: true }).waitFor();
  const { frames, keys, messages } = await page.evaluate(() => globalThis.seen);
  console.log(`${posted} messages in ${SECONDS} s came into the page (${messages} lines in it at the end)`);
  console.log(`frames: ${figures(frames)} ms, ${frames.length} in all`);
  console.log(`key to paint: ${keys.length ? figures(keys) : "all under 16"} ms, ${keys.length} slower than 16 ms of ${TEXT.length}`);
  console.log(`typed text is ${(await composer.inputValue()) === TEXT ? "complete" : "NOT complete"}`);
}

/** In the page: notes the time between frames, and from each key to the paint that shows it. */
function watch() {
  const seen = (globalThis.seen = { frames: [], keys: [], messages: 0 });
  let last = performance.now();
  const frame = (now) => {
    seen.frames.push(now - last);
    last = now;
    seen.messages = document.querySelectorAll(".message").length;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") seen.keys.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
}

/** Posts at the rate, each tick what is due, over connections that stay open. */
async function flood(url) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const session = await fetch(`${url}/api/session`, { method: "POST", headers: { "content-type": "application/json" }, body: '{"name":"flood"}' });
  const { token } = await session.json();
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  let [posted, answered] = [0, 0];
  const start = performance.now();
  while (performance.now() - start < SECONDS * 1_000) {
    const due = ((performance.now() - start) / 1_000) * RATE;
    for (; posted < due && posted - answered < 512; posted += 1) {
      const post = request(`${url}/api/rooms/general/messages`, { method: "POST", headers, agent }, (response) => {
        response.resume().on("end", () => (answered += 1));
      });
      post.end(JSON.stringify({ id: crypto.randomUUID(), text: `message ${posted}` }));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  while (answered < posted) await new Promise((resolve) => setTimeout(resolve, 5));
  agent.destroy();
  return posted;
}

function figures(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, max ${at(1)}`;
}
