// A new build of the server: its worker takes over, without reloading a page under somebody who types.
import type { Page } from "@playwright/test";
import { asOf, copies, DISCONNECTED, expectCopied, test } from "../support/app.ts";
import { Proxy } from "../support/proxy.ts";
import { expect } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const NEXT = "feedfacefeedface";

test.use({ expectedFaults: async ({}, use) => use([...DISCONNECTED]) });

/** The builds whose files the worker has. */
const builds = (page: Page) =>
  page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("idobata-files-")).map((name) => name.split("-").at(-1)));

test("the worker of a new build takes over while somebody types, and the old files go", async ({ withApp, bob, server }) => {
  const proxy = await Proxy.start(server.url);
  proxy.blocksSockets = false;
  const alice = await withApp("alice", { baseURL: proxy.url });
  try {
    const room = await bob.makeRoom(unique("update"));
    await alice.enterRoom("tech");
    await expectCopied(alice.page);
    await alice.enterRoom(room);
    await expectCopied(alice.page);
    const [old] = await builds(alice.page);
    await alice.composer.fill("half a thought");
    await alice.page.evaluate(() => document.documentElement.setAttribute("data-same", ""));

    proxy.build = NEXT;
    const tab = await alice.anotherTab();
    await tab.enterRoom("general");
    await expect.poll(() => builds(tab.page)).toEqual([NEXT]);
    await expect.poll(() => copies(tab.page), "an old build's pages have no files any more").toEqual(["/rooms/general"]);
    await bob.post("are you there?");
    await alice.expectMessages("are you there?");
    await expect(alice.composer).toHaveValue("half a thought");
    await alice.composer.press("Enter");
    await bob.expectMessages("are you there?", "half a thought");
    await expect(alice.page.locator("html[data-same]"), "the page was not loaded anew").toBeAttached();
    expect(old).not.toBe(NEXT);

    await alice.context.setOffline(true);
    await tab.page.goto("/?start");
    await expect(tab.page).toHaveURL(/\/rooms\/general$/);
    await expect(asOf(tab.page)).toBeVisible();
    await expect(tab.page.locator("html[data-hydrated]")).toBeAttached();
    expect(await tab.page.locator("#live").getAttribute("src")).toBe(`/pkg/${NEXT}/live.js`);
    await alice.page.goto(`/rooms/${room}`);
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("You are not connected");
  } finally {
    await alice.context.close(); // it is connected through the proxy
    await proxy.stop();
  }
});

test("a worker whose files are not all there yet leaves the one before in its place", async ({ withApp, server, expectedFaults }) => {
  expectedFaults.push(/is not of this build/);
  const proxy = await Proxy.start(server.url);
  proxy.blocksSockets = false;
  const alice = await withApp("alice", { baseURL: proxy.url });
  try {
    await alice.enterRoom("tech");
    await expectCopied(alice.page);
    const before = await builds(alice.page);
    [proxy.build, proxy.hasOldFiles] = [NEXT, true];
    // As a registration does that finds another script.
    const updated = await alice.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const { installing } = await registration.update().catch(() => registration);
      if (installing) await new Promise((resolve) => installing.addEventListener("statechange", resolve));
      return [registration.installing, registration.waiting].every((worker) => !worker || worker.state === "redundant");
    });
    expect(updated).toBe(true);
    await expect.poll(() => alice.page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe("activated");
    proxy.build = undefined;
    await alice.context.setOffline(true);
    await alice.page.goto("/rooms/tech");
    await expect(asOf(alice.page)).toBeVisible();
    expect(await builds(alice.page)).toEqual(expect.arrayContaining(before));
  } finally {
    await alice.context.close(); // it is connected through the proxy
    await proxy.stop();
  }
});
