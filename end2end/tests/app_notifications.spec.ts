// Pushes to the app's worker, delivered by the browser's own tools instead of a push service, and the tap on a
// notification. The headless browser has no screen to tap on, so the worker's own function is called: what it does after
// the tap is the same, but without a tap browsers let it neither focus a window nor open one.
import { chromium } from "@playwright/test";
import type { BrowserContext, CDPSession, Page, Worker } from "@playwright/test";
import { expectCopied } from "../support/app.ts";
import { takeTurns } from "../support/notifications.ts";
import { Person } from "../support/people.ts";
import { expect, named, test as base } from "../support/test.ts";

type App = { alice: Person; worker: Worker; push: (data: unknown) => Promise<void>; shown: () => Promise<Shown[]> };
type Shown = { title: string; body: string; tag: string; lang: string; dir: string; timestamp: number; url: string };

const test = base.extend<{ app: App }>({
  app: async ({ server }, use, { project }) => {
    // The headless shell shows no notifications.
    const { launchOptions } = project.use;
    const browser = await chromium.launch({ ...launchOptions, executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" });
    const context = await browser.newContext({ baseURL: server.url, permissions: ["notifications"], locale: "en-GB" });
    await context.addInitScript(takeTurns);
    const alice = await named(new Person(await context.newPage(), context), "alice");
    await alice.enterRoom("general");
    await expectCopied(alice.page);
    const { session, registrationId } = await registrationOf(context, alice.page);
    const worker = context.serviceWorkers()[0]!;
    await worker.evaluate(takeTurns);
    const push = async (data: unknown) => {
      const text = typeof data === "string" ? data : JSON.stringify(data);
      await session.send("ServiceWorker.deliverPushMessage", { origin: server.url, registrationId, data: text });
    };
    const shown = () =>
      alice.page.evaluate(async () => {
        const all = await (await navigator.serviceWorker.ready).getNotifications();
        return all.map(({ title, body, tag, lang, dir, timestamp, data }: any) => ({ title, body, tag, lang, dir, timestamp, url: data.url }));
      });
    await use({ alice, worker, push, shown });
    await browser.close();
  },
});

async function registrationOf(context: BrowserContext, page: Page): Promise<{ session: CDPSession; registrationId: string }> {
  const session = await context.newCDPSession(page);
  const registrationId = await new Promise<string>((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      if (registrations[0]) resolve(registrations[0].registrationId);
    });
    void session.send("ServiceWorker.enable");
  });
  return { session, registrationId };
}

test("a push is one notification for each tag, with all that it says", async ({ app: { push, shown } }) => {
  const message = { title: "bob in general", body: "lunch?", tag: "room:general", url: "/rooms/general/4", lang: "ja", dir: "ltr", timestamp: 1_795_800_000_000, badge: 3 };
  const { title, body, tag, url, lang, dir, timestamp } = message;
  await push(message);
  await expect.poll(shown).toEqual([{ title, body, tag, url, lang, dir, timestamp }]);
  await push(message);
  await push({ ...message, body: "or dinner?", url: "/rooms/general/5", timestamp: timestamp + 1 });
  await expect.poll(async () => (await shown()).map(({ body }) => body)).toEqual(["or dinner?"]);
  await push({ title: "carol", tag: "room:tech" });
  await expect.poll(async () => (await shown()).map(({ tag }) => tag).sort()).toEqual(["room:general", "room:tech"]);
});

test("a push sets the number on the app's icon, and takes it off", async ({ app: { push, worker, shown } }) => {
  await worker.evaluate(() => {
    const calls: (number | undefined)[] = ((self as any).badges = []);
    (navigator as any).setAppBadge = async (count?: number) => void calls.push(count);
  });
  for (const badge of [3, 0, -1, 1.5, "7", undefined]) await push({ title: `badge ${badge}`, tag: `badge ${badge}`, badge });
  await expect.poll(async () => (await shown()).length).toBe(6);
  await expect.poll(() => worker.evaluate(() => (self as any).badges)).toEqual([3, 0]);
});

test("a push that cannot be read is a plain sentence, and one to another site leads to ours", async ({ app: { push, shown } }) => {
  for (const damaged of ["", "{", "[]", "null", '"text"', '{"title":""}', '{"title":{}}', '{"body":"only"}']) {
    await push(damaged);
  }
  const sentence = { title: "Idobata", body: "There is something new for you in Idobata.", url: "/" };
  await expect.poll(shown).toEqual([expect.objectContaining(sentence)]);
  const elsewhere = ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http://[", 7, "/rooms/tech?a=b#c"];
  for (const [number, url] of elsewhere.entries()) await push({ title: "elsewhere", tag: `${number}`, url, dir: "up", timestamp: "now", body: [] });
  await expect.poll(async () => (await shown()).length).toBe(1 + elsewhere.length);
  const urls = Object.fromEntries((await shown()).map(({ tag, url }) => [tag, url]));
  expect(urls).toEqual({ news: "/", 0: "/", 1: "/", 2: "/", 3: "/", 4: "/7", 5: "/rooms/tech?a=b#c" });
});

test("a tap shows the message in the window of its room, and never leaves the site", async ({ app: { alice, worker } }) => {
  await alice.post("a message to tap on");
  await alice.expectMessages("a message to tap on");
  const open = (url: string) => worker.evaluate((url) => (self as any).openAddress(url).then(() => "shown", String), url);
  const tab = await alice.anotherTab();
  await tab.enterRoom("tech");
  expect(await open("/rooms/general/1")).toBe("shown");
  await expect(alice.page).toHaveURL(/\/rooms\/general\/1$/);
  await alice.expectConnected();
  await expect(tab.page).toHaveURL(/\/rooms\/tech$/);
  expect(await open("/rooms/general/1"), "it is there").toBe("shown");
  for (const url of ["/rooms/random", "https://evil.example/rooms/general"]) {
    expect(await open(url), "a new window needs a tap").toMatch(/InvalidAccessError|Not allowed to open a window/);
  }
  for (const { page } of [alice, tab]) expect(new URL(page.url()).host).toBe(new URL(alice.page.url()).host);
});

test("a subscription to which the browser gives another address stays turned on", async ({ app: { alice, worker } }) => {
  const keys = { p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", auth: "BTBZMqHH6r4Tts7J_aSIgg" };
  const { request } = alice.context;
  const made = await request.post("/api/push/subscriptions", { data: { endpoint: "https://8.8.8.8/old", keys } });
  const { id } = await made.json();
  const renew = (before: string, after: string) =>
    worker.evaluate(
      async ({ before, after, keys }) => {
        const newSubscription = { toJSON: () => ({ endpoint: after, keys }) };
        const change = Object.assign(new Event("pushsubscriptionchange"), { oldSubscription: { endpoint: before }, newSubscription });
        const done: Promise<unknown>[] = [];
        (change as any).waitUntil = (promise: Promise<unknown>) => done.push(promise);
        dispatchEvent(change);
        await Promise.all(done);
        return done.length;
      },
      { before, after, keys },
    );
  const ids = async () => (await (await request.get("/api/push")).json()).subscriptions.map((device: { id: string }) => device.id);
  expect(await renew("https://8.8.8.8/old", "https://8.8.8.8/new")).toBe(1);
  const renewed = await ids();
  expect(renewed).toHaveLength(1);
  expect(renewed).not.toContain(id);
  // One that was removed meanwhile does not come back.
  await request.delete(`/api/push/subscriptions/${renewed[0]}`);
  await renew("https://8.8.8.8/new", "https://8.8.8.8/newer");
  expect(await ids()).toEqual([]);
});
