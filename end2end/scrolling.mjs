// Reading back through 10,000 messages and forth again: how long frames take on the way, while messages and reactions come
// and while one types, how many rows the page draws at most, and whether each message was shown. Called by `make scrolling`; figures,
// not a test.
import { chromium } from "@playwright/test";
import { withProgram } from "./support/program.mjs";

const MESSAGES = Number(process.env.MESSAGES ?? 10_000);
const AT_ONCE = 100;
const SCROLLER = ".message-list__scroller";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  await withProgram(measure);
} finally {
  await browser.close();
}

async function measure(url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const api = await writer(context, url);
  for (let number = 0; number < MESSAGES; number += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => api.say(number + index)));
  }
  const page = await context.newPage();
  await page.goto(`${url}/rooms/general`);
  await page.locator(".conversation [data-connection=open]").waitFor();
  await page.evaluate(watch, SCROLLER);
  await page.locator(SCROLLER).hover();

  await report(page, `read back to the first of ${MESSAGES}`, () => scroll(page, -1));
  await report(page, "the wheel, at the first", () => wheel(page));
  await report(page, "20 messages come, at the first", () => repeat(20, (number) => api.say(MESSAGES + number)));
  await report(page, "20 reactions come, at the first", () => repeat(20, (number) => api.react(1 + number)));
  const seen = await page.evaluate(() => globalThis.watched.seen.size);
  await report(page, "forth again to the newest", () => scroll(page, 1));
  await report(page, "the wheel, at the newest", () => wheel(page));
  await report(page, "20 messages come, at the newest", () => repeat(20, (number) => api.say(MESSAGES + 20 + number)));
  await report(page, "20 reactions come, at the newest", () => repeat(20, (number) => api.react(MESSAGES - number)));
  const composer = page.locator(".composer textarea");
  await report(page, "typing", () => composer.pressSequentially("the quick brown fox jumps over the lazy dog", { delay: 40 }));
  const { rows, disorder } = await page.evaluate(() => globalThis.watched);
  console.log(`${seen} of ${MESSAGES} were shown on the way back, ${rows} rows at most, ${disorder} out of order`);
}

/** Somebody who writes into the room by the API. */
async function writer(context, url) {
  await context.request.post(`${url}/api/session`, { data: { name: "alice" } });
  const post = async (path, data) => {
    const answer = await context.request.post(`${url}/api/rooms/general/messages${path}`, { data: { id: crypto.randomUUID(), ...data } });
    if (answer.status() !== 201) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
  };
  const text = (number) => (number % 7 ? `message ${number} with a **bold** word` : `message ${number}\n- of\n- many\n- lines`);
  return {
    say: (number) => post("", { text: text(number) }),
    react: (offset) => post(`/${offset}/changes`, { kind: "react", emoji: "🎉" }),
  };
}

/** In the page: notes the time between frames, and which messages the list holds. */
function watch(selector) {
  const watched = (globalThis.watched = { frames: [], rows: 0, disorder: 0, seen: new Set() });
  const list = document.querySelector(`${selector} .messages`);
  const read = () => {
    const offsets = Array.from(list.querySelectorAll("[data-offset]"), (row) => Number(row.dataset.offset));
    watched.rows = Math.max(watched.rows, offsets.length);
    offsets.forEach((offset, index) => {
      watched.seen.add(offset);
      if (index > 0 && offset <= offsets[index - 1]) watched.disorder += 1;
    });
  };
  read();
  new MutationObserver(read).observe(list, { childList: true });
  let last = performance.now();
  const frame = (now) => {
    watched.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** Scrolls to one end of what is loaded, again and again until there is no more. */
async function scroll(page, direction) {
  await page.evaluate(
    async ([selector, direction]) => {
      const scroller = document.querySelector(selector);
      const isOver = () =>
        direction < 0
          ? document.querySelector(`${selector} [data-offset="1"]`) && !document.querySelector(`${selector} .more`)
          : scroller.scrollTop > -1 && !document.querySelector(".to-the-latest");
      while (!isOver()) {
        scroller.scrollTop += direction * 700;
        await new Promise(requestAnimationFrame);
      }
    },
    [SCROLLER, direction],
  );
}

async function wheel(page) {
  await repeat(60, (number) => page.mouse.wheel(0, number % 20 < 10 ? 700 : -700), 50);
}

async function repeat(times, act, pause_ms = 100) {
  for (let number = 0; number < times; number += 1) {
    await act(number);
    await new Promise((resolve) => setTimeout(resolve, pause_ms));
  }
}

async function report(page, label, act) {
  await page.evaluate(() => (globalThis.watched.frames = []));
  const start = performance.now();
  await act();
  const frames = (await page.evaluate(() => globalThis.watched.frames)).toSorted((a, b) => a - b);
  const at = (share) => frames[Math.min(frames.length - 1, Math.floor(frames.length * share))].toFixed(1);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.log(`${label}: frames p50 ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)} ms, ${frames.length} in ${seconds} s`);
}
