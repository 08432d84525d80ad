// Many tabs of one browser, which has six connections to a host for all of them; and tabs that are put away.
import { chromium } from "@playwright/test";
import type { Person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

for (const transport of ["auto", "stream", "poll"]) {
  test(`ten tabs at once stay live and can post (${transport})`, async ({ alice, bob, server }) => {
    test.setTimeout(240_000);
    const room = await bob.makeRoom(unique("tabs"));
    const tabs = [alice, ...(await Promise.all(Array.from({ length: 9 }, () => alice.anotherTab())))];
    const [rooms, feeds] = [tabs.slice(0, 6), tabs.slice(6)];
    for (const tab of rooms) {
      await tab.open(`/rooms/${room}?transport=${transport}`);
      await tab.expectConnected();
    }
    for (const tab of feeds) {
      await tab.open(`/?transport=${transport}`);
      await expect(tab.page.locator(".feed-page [data-connection=open]")).toBeVisible();
    }
    const said: string[] = [];
    for (const [index, tab] of rooms.entries()) {
      said.push(`from tab ${index}`);
      await tab.post(said.at(-1)!);
      await bob.expectMessages(...said);
    }
    await bob.post("I see six of you");
    await server.publish("ops", { title: `to all of ${room}`, text: "" });
    for (const tab of rooms) {
      await tab.expectMessages(...said, "I see six of you");
      await expect(tab.page.locator(".ticker").getByText(`to all of ${room}`)).toBeVisible();
    }
    for (const tab of feeds) await expect(tab.page.getByText(`to all of ${room}`)).toBeVisible();
  });
}

test("a page put away by the back-forward cache lets go of its connections and resumes when shown again", async ({}, {
  project,
}) => {
  // Playwright switches the cache off, and the headless shell has none; this browser has it.
  const { launchOptions } = project.use;
  const browser = await chromium.launch({
    ...launchOptions,
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  const own = await Server.start();
  try {
    const context = await browser.newContext({ baseURL: own.url });
    const page = await context.newPage();
    await page.addInitScript(() => {
      addEventListener("pageshow", (event) => document.documentElement.setAttribute("data-restored", `${event.persisted}`));
    });
    await page.goto("/rooms/general");
    await expect(page.locator(".conversation [data-connection=open]")).toBeVisible();
    await expect.poll(() => own.connections()).toEqual({ socket: 1, stream: 1, poll: 0, socket_io: 0 });
    // A worker that takes over the pages of a first visit throws out those in the cache.
    await page.waitForFunction(() => navigator.serviceWorker.controller);
    await page.goto("/healthz");
    await expect.poll(() => own.connections()).toEqual({ socket: 0, stream: 0, poll: 0, socket_io: 0 });
    const post = { id: crypto.randomUUID(), text: "while you were away" };
    expect((await context.request.post("/api/rooms/general/messages", { data: post })).status()).toBe(201);
    // Playwright waits in vain for the loading of a page that is only shown again.
    await page.evaluate(() => void setTimeout(() => history.back()));
    await expect(page.locator("html[data-restored=true]")).toBeAttached();
    await expect(page.locator(".message__text")).toHaveText(["while you were away"]);
    await expect(page.locator(".conversation [data-connection=open]")).toBeVisible();
  } finally {
    await browser.close();
    await own.stop();
  }
});

test("two tabs that a browser opens at once on its first visit are one person", async ({ bob, somebody, expectedFaults }) => {
  expectedFaults.push(/WebSocket connection to/); // one page is loaded anew while it connects
  const room = await bob.makeRoom(unique("first visit"));
  const one = await somebody();
  const other = await one.anotherTab();
  // Neither is asked for before both are: no cookie has come yet.
  let asked = 0;
  let bothAsked = () => {};
  const both = new Promise<void>((resolve) => (bothAsked = resolve));
  await one.context.route(`**/rooms/${room}`, async (route) => {
    if ((asked += 1) === 2) bothAsked();
    await both;
    await route.continue();
  });
  // One of them is loaded anew, which may be before it has been loaded whole.
  const open = ({ page }: Person) => page.goto(`/rooms/${room}`, { waitUntil: "commit" });
  const answers = await Promise.all([one, other].map(open));
  const cookies = await Promise.all(answers.map((answer) => answer!.headerValue("set-cookie")));
  expect(new Set(cookies.map((cookie) => cookie?.split(";")[0])).size, "the server made two people").toBe(2);

  const names = () => Promise.all([one, other].map(({ page }) => page.getByLabel("Your name").inputValue()));
  await expect(async () => expect(new Set(await names()).size).toBe(1)).toPass();
  for (const tab of [one, other]) {
    await expect(tab.page.locator("html[data-hydrated]")).toBeAttached();
    await tab.expectConnected();
  }
  await bob.expectPeople("bob", (await names())[0]);
  await one.post("from the one");
  await bob.expectMessages("from the one");
  await other.post("from the other");
  for (const tab of [one, other]) {
    await tab.expectMessages("from the one", "from the other");
    await expect(tab.page.locator('.message[data-mine="true"]')).toHaveCount(2);
  }
});
