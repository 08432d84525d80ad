// A file of the page that fails once is loaded again; one that keeps failing is told.
import type { Route } from "@playwright/test";
import { expect, test } from "../support/test.ts";

const FAULTS = [/net::ERR_/, /status of 502/, /^502 /, /Failed to (fetch|load)/, /CompileError|MIME|WebAssembly/];

const failures: Record<string, (route: Route) => Promise<void>> = {
  "is aborted": (route) => route.abort("connectionreset"),
  "is a 502": (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" }),
  "is cut": async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    await route.fulfill({ response, body: body.subarray(0, body.length / 2), headers: { "content-type": response.headers()["content-type"] ?? "" } });
  },
};

for (const [how, fail] of Object.entries(failures)) {
  for (const file of ["idobata.wasm", "idobata.js", "idobata.css", "live.js"]) {
    test(`a page is live although ${file} ${how} once`, async ({ alice, bob, expectedFaults }) => {
      expectedFaults.push(...FAULTS, /SyntaxError/);
      const room = await bob.makeRoom(`retried ${crypto.randomUUID().slice(0, 8)}`);
      let failed = 0;
      await alice.page.route(`**/${file}*`, async (route) => (failed++ === 0 ? fail(route) : route.continue()));
      await alice.page.goto(`/rooms/${room}`, { waitUntil: "domcontentloaded" });
      await alice.expectConnected();
      await bob.post("hello");
      await alice.expectMessages("hello");
      await expect.poll(() => failed).toBeGreaterThan(1);
      await expect(alice.page.locator(".sidebar"), "the style sheet counts").toHaveCSS("display", "flex");
      await expect(alice.page.locator("#not-live")).toBeHidden();
    });
  }
}

test("a page whose module cannot be loaded says so in the end", async ({ alice, expectedFaults }) => {
  expectedFaults.push(...FAULTS);
  await alice.page.clock.install();
  let asked = 0;
  await alice.page.route("**/idobata.wasm*", async (route) => {
    asked++;
    await route.abort("connectionreset");
  });
  await alice.page.goto("/rooms/general", { waitUntil: "domcontentloaded" });
  await expect(async () => {
    await alice.page.clock.runFor(5_000);
    await expect(alice.page.getByRole("alert")).toContainText("This page is not live", { timeout: 200 });
  }).toPass();
  expect(asked).toBe(4);
});

test("a page whose style sheet cannot be loaded is live and says so", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(...FAULTS);
  const room = await bob.makeRoom(`bare ${crypto.randomUUID().slice(0, 8)}`);
  await alice.page.clock.install();
  await alice.page.route("**/idobata.css*", (route) => route.abort("connectionreset"));
  await alice.page.goto(`/rooms/${room}`, { waitUntil: "domcontentloaded" });
  const note = alice.page.getByText("A part of this page could not be loaded.");
  await expect(async () => {
    await alice.page.clock.runFor(1_000);
    await expect(note).toBeInViewport({ timeout: 200 });
  }).toPass();
  await expect(alice.page.getByText("This page is not live")).toBeHidden();
  await bob.post("hello");
  await alice.expectMessages("hello");
});

for (const file of ["idobata.css", "live.js", "idobata.wasm", "idobata.js"]) {
  test(`a page is live although ${file} hangs at first`, async ({ alice, bob, expectedFaults }) => {
    expectedFaults.push(...FAULTS);
    const room = await bob.makeRoom(`hanging ${crypto.randomUUID().slice(0, 8)}`);
    await alice.page.clock.install();
    let asked = 0;
    // The first one is never answered.
    await alice.page.route(`**/${file}*`, (route) => (asked++ === 0 ? undefined : route.continue()));
    await alice.page.goto(`/rooms/${room}`, { waitUntil: "commit" });
    await expect(async () => {
      await alice.page.clock.runFor(5_000);
      expect(asked).toBeGreaterThan(1);
    }).toPass();
    await bob.post("hello");
    await expect(async () => {
      await alice.page.clock.runFor(1_000);
      await expect(alice.page.locator(".message__text")).toHaveText(["hello"], { timeout: 200 });
    }).toPass();
    await expect(alice.page.locator(".sidebar"), "the style sheet counts").toHaveCSS("display", "flex");
    await expect(alice.page.locator("#not-live")).toBeHidden();
  });
}

test("a stream that fails once is tried again before the tab goes over to polls", async ({ alice, server, expectedFaults }) => {
  expectedFaults.push(...FAULTS, /EventSource/);
  let failed = 0;
  await alice.page.route("**/api/events*", async (route) => (failed++ === 0 ? route.abort("connectionreset") : route.continue()));
  await alice.page.goto("/");
  await expect(alice.page.locator("[data-connection=open][data-transport=stream]").first()).toBeVisible();
  const text = `after the failure ${crypto.randomUUID()}`;
  await server.publish("ops", text);
  await expect(alice.page.locator(".notification", { hasText: text })).toBeVisible();
});
