// The app without a network: it starts, shows what was seen last and says so, and comes right when the network is back.
import axe from "axe-core";
import type { Page } from "@playwright/test";
import { asOf, copies, DISCONNECTED, expectCopied, putAway, test } from "../support/app.ts";
import { Proxy } from "../support/proxy.ts";
import { expect } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** A start of the app from the phone's home screen. */
const start = (page: Page) => page.goto("/?start");

async function expectAccessible(page: Page) {
  await page.evaluate(axe.source);
  const violations = () => page.evaluate(async () => (await (window as any).axe.run(document)).violations.map(({ id }: { id: string }) => id));
  expect(await violations()).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
}

// As a function: Playwright takes an array of two for a fixture with its options.
test.use({ expectedFaults: async ({}, use) => use([...DISCONNECTED]) });

for (const [locale, sentence, offline, list] of [
  ["en-GB", /^Not connected\. This page is as of \d+ \w+ 20\d\d, \d\d:\d\d, and updates/, "You are not connected", "You can read these pages"],
  ["ja-JP", /^接続されていません。20\d\d\/\d\d\/\d\d \d+:\d\d時点の内容です。/, "接続されていません", "次のページは"],
] as const) {
  test(`without a network the app starts with the room that was seen last, and says of when it is (${locale})`, async ({ withApp, bob }) => {
    const alice = await withApp("alice", { locale, viewport: { width: 390, height: 844 } });
    const room = await bob.makeRoom(unique("last seen"));
    await bob.post("one");
    await alice.enterRoom(room);
    await expectCopied(alice.page);
    await bob.post("two");
    await alice.expectMessages("one", "two");
    await putAway(alice.page, "two");

    await alice.context.setOffline(true);
    await start(alice.page);
    await expect(alice.page).toHaveURL(new RegExp(`/rooms/${room}$`));
    await expect(alice.page.locator("html[data-hydrated]")).toBeAttached();
    await expect(alice.messages.locator(".message__text")).toHaveText(["one", "two"]);
    await expect(asOf(alice.page)).toHaveText(sentence);
    await expect(alice.page.locator(".conversation [data-connection=open]")).toHaveCount(0);
    await expectAccessible(alice.page);
    const composer = (await alice.composer.boundingBox())!;
    expect(composer.y + composer.height, "the composer is in view below the sentence").toBeLessThanOrEqual(844);

    // What both say meanwhile comes once and in its order.
    await bob.post("three");
    await alice.post("four, from a train");
    await expect(alice.page.locator(".message[data-state]")).toHaveCount(1);
    await bob.post("five");
    await alice.context.setOffline(false);
    await alice.expectConnected();
    await expect(asOf(alice.page)).toHaveCount(0);
    await alice.expectMessages("one", "two", "three", "five", "four, from a train");
    await bob.expectMessages("one", "two", "three", "five", "four, from a train");
    await bob.post("six");
    await alice.expectMessages("one", "two", "three", "five", "four, from a train", "six");
    await alice.page.reload();
    await alice.expectMessages("one", "two", "three", "five", "four, from a train", "six");

    // A page of which there is no copy.
    await alice.context.setOffline(true);
    await alice.page.goto("/account");
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(offline);
    await expect(alice.page.locator("#copies")).toContainText(list);
    await expect(alice.page.locator("html")).toHaveAttribute("lang", locale.slice(0, 2));
    await expectAccessible(alice.page);
    await alice.page.getByRole("link", { name: "last seen" }).click();
    await expect(alice.messages.locator(".message__text").last()).toHaveText("six");
  });
}

test("a room that was opened in place is kept too, and links lead to it without a network", async ({ withApp, bob }) => {
  const alice = await withApp("alice");
  const [one, two] = [unique("one"), unique("two")];
  const rooms = [await bob.makeRoom(one), await bob.makeRoom(two)];
  await bob.post("in the second room");
  await alice.enterRoom(rooms[0]!);
  await expectCopied(alice.page);
  await alice.page.locator(".navigation").getByRole("link", { name: two }).click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(two);
  await expect.poll(() => copies(alice.page)).toContain(`/rooms/${rooms[1]}`);

  await alice.context.setOffline(true);
  await alice.page.locator(".navigation").getByRole("link", { name: one }).click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(one);
  await expect(asOf(alice.page)).toBeVisible();
  await alice.page.locator(".navigation").getByRole("link", { name: two }).click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(two);
  await expect(alice.messages.locator(".message__text")).toHaveText(["in the second room"]);
  await alice.context.setOffline(false);
  await alice.expectConnected();
  await expect(asOf(alice.page)).toHaveCount(0);
  await bob.enterRoom(rooms[1]!);
  await bob.post("and on");
  await alice.expectMessages("in the second room", "and on");
});

test("a network that answers nothing does not keep the app from starting", async ({ withApp, server }) => {
  const proxy = await Proxy.start(server.url);
  proxy.blocksSockets = false;
  const alice = await withApp("alice", { baseURL: proxy.url });
  try {
    await alice.enterRoom("tech");
    await expectCopied(alice.page);
    proxy.holdsPages = true;
    await alice.page.goto("/rooms/tech");
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("tech");
    await expect(alice.page.locator("html[data-hydrated]")).toBeAttached();
    await alice.expectConnected();
    await expect(asOf(alice.page), "it is connected, so it is as of now").toHaveCount(0);
  } finally {
    await alice.context.close(); // it is connected through the proxy
    await proxy.stop();
  }
});

for (const [browser, edit] of [
  ["a browser that takes static routes", undefined],
  ["a browser that asks the worker for everything", (text: string) => text.replace("event.addRoutes", "event.unknown")],
] as const) {
  test(`the worker answers for pages and files alone, in ${browser}`, async ({ withApp, bob, server }) => {
    const proxy = await Proxy.start(server.url);
    proxy.edit = edit;
    const alice = await withApp("alice", { baseURL: proxy.url });
    try {
      const room = await bob.makeRoom(unique("answered"));
      await alice.open("/");
      await expectCopied(alice.page);
      const [byWorker, others] = [new Set<string>(), new Set<string>()];
      alice.page.on("response", (response) => {
        const path = new URL(response.url()).pathname.replace(/\/pkg\/\w+/, "/pkg").replace(room, "ROOM");
        (response.fromServiceWorker() ? byWorker : others).add(path);
      });
      for (const transport of ["stream", "poll"] as const) {
        await alice.open(`/rooms/${room}?transport=${transport}`);
        await alice.expectTransport(transport);
        await alice.post(`by ${transport}`);
        await expect(alice.page.locator(".message__text").last()).toHaveText(`by ${transport}`);
        await expect(alice.page.locator(".message[data-state]")).toHaveCount(0);
      }
      await alice.feedLink.click();
      await expect(alice.page.locator(".feed-page")).toBeVisible();
      await bob.expectMessages("by stream", "by poll");
      const files = ["idobata.css", "idobata.js", "idobata.wasm", "live.js", "offline.js"].map((name) => `/pkg/${name}`);
      expect([...byWorker].sort()).toEqual([...files, "/rooms/ROOM"]);
      expect([...others]).toEqual(expect.arrayContaining(["/fn/start", "/api/rooms/ROOM/messages", "/api/events"]));
    } finally {
      await alice.context.close(); // it is connected through the proxy
      await proxy.stop();
    }
  });
}

test("copies are bounded, and of pages alone", async ({ withApp, server }) => {
  const alice = await withApp("alice");
  const paths = Array.from({ length: 22 }, (_, n) => `/feed/bound-${n}`);
  await alice.open("/");
  await expectCopied(alice.page);
  for (const path of paths) {
    await alice.page.goto(path);
    await expect.poll(() => copies(alice.page)).toContain(path);
  }
  await expect.poll(async () => (await copies(alice.page)).length).toBe(20);
  expect(await copies(alice.page)).toEqual(paths.slice(2).sort());
  await server.publish("ops", unique("asked for"));
  await alice.page.evaluate(async () => {
    for (const path of ["/api/rooms", "/fn/viewer", "/healthz", "/favicon.svg"]) await (await fetch(path)).text();
  });
  await alice.page.goto("/rooms/general?a=b");
  await alice.page.goto("/share");
  const kept = await alice.page.evaluate(async () => {
    const all = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
    return all.flat().map(({ url }) => new URL(url).pathname);
  });
  expect(kept.filter((path) => !path.startsWith("/pkg/") && !paths.includes(path))).toEqual([]);
});

test("without the worker's cache, and where it cannot be registered, the site is as it is without a worker", async ({ withApp, bob, expectedFaults }) => {
  expectedFaults.push(/bad HTTP response code|404/);
  const room = await bob.makeRoom(unique("as ever"));
  await bob.post("hello");
  const alice = await withApp("alice");
  await alice.enterRoom(room);
  await expectCopied(alice.page);
  // As a browser whose storage is full or broken.
  const worker = alice.context.serviceWorkers()[0]!;
  await worker.evaluate(() => {
    for (const name of ["open", "match", "keys", "delete"] as const) Object.assign(caches, { [name]: () => Promise.reject(new Error("no storage")) });
  });
  await alice.enterRoom(room);
  await alice.expectMessages("hello");
  await alice.feedLink.click();
  await expect(alice.page.locator(".feed-page")).toBeVisible();

  const carol = await withApp("carol");
  await carol.context.route("**/service-worker.js", (route) => route.fulfill({ status: 404 }));
  await carol.enterRoom(room);
  await carol.post("without one");
  await bob.expectMessages("hello", "without one");
});
