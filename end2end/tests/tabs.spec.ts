// Many tabs of one browser, which has six connections to a host for all of them; and tabs that are put away.
import { chromium } from "@playwright/test";
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
  // Playwright switches the cache off; this browser has it.
  const { launchOptions } = project.use;
  const browser = await chromium.launch({ ...launchOptions, ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  const own = await Server.start();
  try {
    const context = await browser.newContext({ baseURL: own.url });
    const page = await context.newPage();
    await page.addInitScript(() => {
      addEventListener("pageshow", (event) => document.documentElement.setAttribute("data-restored", `${event.persisted}`));
    });
    await page.goto("/rooms/general");
    await expect(page.locator(".talk [data-connection=open]")).toBeVisible();
    await expect.poll(() => own.connections()).toEqual({ socket: 1, stream: 1, poll: 0, socket_io: 0 });
    await page.goto("/healthz");
    await expect.poll(() => own.connections()).toEqual({ socket: 0, stream: 0, poll: 0, socket_io: 0 });
    const post = { id: crypto.randomUUID(), text: "while you were away" };
    expect((await context.request.post("/api/rooms/general/messages", { data: post })).status()).toBe(201);
    // Playwright waits in vain for the loading of a page that is only shown again.
    await page.evaluate(() => void setTimeout(() => history.back()));
    await expect(page.locator("html[data-restored=true]")).toBeAttached();
    await expect(page.locator(".message__text")).toHaveText(["while you were away"]);
    await expect(page.locator(".talk [data-connection=open]")).toBeVisible();
  } finally {
    await browser.close();
    await own.stop();
  }
});
