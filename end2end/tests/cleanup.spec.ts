// Clean-up on unmount: leaving a page ends what it opened, and the server sees it go.
import { expect, test as base } from "../support/test.ts";
import { Server } from "../support/server.ts";

// A server of its own: its counts are this story's alone.
const test = base.extend<{ own: Server }>({
  own: async ({}, use) => {
    const own = await Server.start();
    await use(own);
    await own.stop();
  },
});

test("feed → chat → feed fifty times leaves nothing behind", async ({ own, somebody }) => {
  test.setTimeout(300_000);
  const walker = await somebody({ baseURL: own.url });
  await walker.open("/");
  const roomLink = walker.page.getByRole("link", { name: "general" });
  const walk = async () => {
    await roomLink.click();
    await walker.expectConnected();
    await expect(walker.page.locator(".ticker [data-connection=open]")).toBeVisible();
    await walker.feedLink.click();
    await expect(walker.page.locator(".feed-page [data-connection=open]")).toBeVisible();
  };
  const devtools = await walker.context.newCDPSession(walker.page);
  await devtools.send("Performance.enable");
  const measure = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    const { metrics } = await devtools.send("Performance.getMetrics");
    const count = (name: string) => metrics.find((metric) => metric.name === name)!.value;
    return { listeners: count("JSEventListeners"), nodes: count("Nodes") };
  };

  // A few rounds first: caches and lazily made things belong to the page, not to a walk.
  for (let round = 0; round < 5; round += 1) await walk();
  const before = await measure();
  for (let round = 0; round < 50; round += 1) await walk();
  // The feed page: one stream, no socket.
  await expect.poll(() => own.connections()).toEqual({ socket: 0, stream: 1, poll: 0, socket_io: 0 });
  await roomLink.click();
  await walker.expectConnected();
  // A room's page: its socket and its ticker's stream.
  await expect.poll(() => own.connections()).toEqual({ socket: 1, stream: 1, poll: 0, socket_io: 0 });
  await walker.feedLink.click();
  await expect(walker.page.locator(".feed-page [data-connection=open]")).toBeVisible();
  await expect.poll(() => own.connections()).toEqual({ socket: 0, stream: 1, poll: 0, socket_io: 0 });

  const after = await measure();
  console.log(`listeners ${before.listeners} -> ${after.listeners}, nodes ${before.nodes} -> ${after.nodes}`);
  // The feed goes on while we walk, so a few nodes more or less are on the page; fifty leaks would be far above.
  expect(after.listeners - before.listeners).toBeLessThan(25);
  expect(after.nodes - before.nodes).toBeLessThan(150);

  await walker.page.goto("about:blank");
  await expect.poll(() => own.connections()).toEqual({ socket: 0, stream: 0, poll: 0, socket_io: 0 });
});
