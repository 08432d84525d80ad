// From page to page and back while the network is slow: nothing flashes, and what was read and typed stays.
import type { Page } from "@playwright/test";
import { Proxy } from "../support/proxy.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** Holds back what each next page starts from. Returns what lets a page come: a room by its id, or the feed. */
async function slow(page: Page): Promise<(room?: string) => Promise<void>> {
  const held = new Map<string, (() => void)[]>();
  // A page may be asked for when the pointer only rests on its link.
  await page.route("**/fn/start*", async (route) => {
    const room = new URL(route.request().url()).searchParams.get("room") ?? "";
    await new Promise<void>((come) => held.set(room, [...(held.get(room) ?? []), come]));
    await route.continue();
  });
  return async (room = "") => {
    await expect.poll(() => held.get(room)?.length ?? 0, "the next page was asked for").toBeGreaterThan(0);
    for (const come of held.get(room)!) come();
    held.delete(room);
  };
}

/** From now on notes which page each painted frame shows. */
async function notePainted(page: Page): Promise<() => Promise<string[]>> {
  const painted = await page.evaluateHandle(() => {
    const painted: string[] = [];
    const look = () => {
      const heading = document.querySelector("main h1")?.textContent ?? "nothing";
      if (heading !== painted.at(-1)) painted.push(heading);
      requestAnimationFrame(look);
    };
    look();
    return painted;
  });
  return () => painted.jsonValue();
}

const scrolled = (page: Page) => page.evaluate(() => scrollY);

test("a walk through the pages on a slow network flashes nothing and loses neither places nor texts", async ({ alice, bob, server }) => {
  const [one, two] = [unique("one"), unique("two")];
  const first = await bob.makeRoom(one);
  const second = await bob.makeRoom(two);
  await bob.postByRequest(first, ...Array.from({ length: 90 }, (_, index) => `message ${index + 1}`));
  for (let notice = 0; notice < 20; notice += 1) await server.publish("walk", `notice ${notice} ${"of several lines ".repeat(20)}`);

  const { page } = alice;
  const sockets: string[] = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  await page.setViewportSize({ width: 1_280, height: 480 });
  await alice.open("/");
  const letCome = await slow(page);
  const painted = await notePainted(page);
  const heading = page.locator("main h1");
  const line = alice.messages.filter({ hasText: /message 60$/ });
  const top = async () => (await line.boundingBox())!.y;

  await page.mouse.move(800, 300);
  await page.mouse.wheel(0, 250);
  await expect.poll(() => scrolled(page)).toBe(250);

  // From the feed into a room. The feed stays as it is until the room is there.
  await page.getByRole("link", { name: one }).click();
  await expect(page).toHaveURL(new RegExp(`/rooms/${first}$`));
  await expect(heading).toHaveText("Feed");
  expect(await scrolled(page)).toBe(250);
  await letCome(first);
  await expect(heading).toHaveText(one);
  expect(await scrolled(page)).toBe(0);
  await alice.expectConnected();

  // She reads back and begins to type, then looks into another room.
  await line.evaluate((line) => line.scrollIntoView());
  await expect(page.locator(".to-the-latest")).toBeVisible();
  const before = await top();
  await alice.composer.fill("half a sentence");
  await page.getByRole("link", { name: two }).click();
  await expect(page).toHaveURL(new RegExp(`/rooms/${second}$`));
  await expect(alice.composer).toHaveValue("half a sentence");
  await letCome(second);
  await expect(heading).toHaveText(two);
  await expect(alice.composer).toHaveValue("");
  await alice.composer.fill("another");

  // Back: the line stands where it stood, the text in the composer.
  await page.goBack();
  await letCome(first);
  await expect(heading).toHaveText(one);
  await expect(alice.composer).toHaveValue("half a sentence");
  await expect.poll(top).toBeCloseTo(before, 0);

  await page.goForward();
  await letCome(second);
  await expect(heading).toHaveText(two);
  await expect(alice.composer).toHaveValue("another");
  await alice.expectConnected();
  expect(sockets, "one socket throughout").toHaveLength(1);

  // Two steps back at once, as far as the feed, which is where it was left.
  await page.evaluate(() => history.go(-2));
  await letCome();
  await expect(heading).toHaveText("Feed");
  await expect.poll(() => scrolled(page)).toBe(250);
  expect(await painted(), "each page that was painted").toEqual(["Feed", one, two, one, two, "Feed"]);

  await page.evaluate(() => history.go(2));
  await letCome(second);
  await expect(heading).toHaveText(two);
  await page.reload();
  await alice.expectConnected();
  await expect(alice.composer).toHaveValue("another");
  await alice.post("another thing");
  await alice.expectMessages("another thing");
});

test("leaving a room whose socket is still on its way is no fault, and back in it the talk goes on", async ({ bob, server, somebody }) => {
  const name = unique("left early");
  const room = await bob.makeRoom(name);
  const detour = await Proxy.start(server.url);
  try {
    detour.blocksSockets = false;
    detour.waitingSockets = [];
    const alice = await somebody({ baseURL: detour.url });
    const heading = alice.page.locator("main h1");
    await alice.open(`/rooms/${room}`);
    await expect.poll(() => detour.waitingSockets).toHaveLength(1);
    await alice.feedLink.click();
    await expect(heading).toHaveText("Feed");
    detour.letSocketsCome();
    await alice.page.goBack();
    await expect(heading).toHaveText(name);
    await alice.expectConnected();
    await bob.post("there you are");
    await alice.expectMessages("there you are");
    await alice.context.close();
  } finally {
    await detour.stop();
  }
});
