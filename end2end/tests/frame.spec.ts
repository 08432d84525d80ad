// The frame of the pages: the sidebar with one's own menu, the theme, small screens, many rooms, paper.
import { test as withAccounts } from "../support/accounts.ts";
import { Server } from "../support/server.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const background = () => getComputedStyle(document.body).backgroundColor;

test("a theme that was chosen stays on every page, from the first paint on, with and without JavaScript", async ({ somebody }) => {
  for (const javaScriptEnabled of [true, false]) {
    const reader = await somebody({ javaScriptEnabled, colorScheme: "light" });
    await reader.page.goto("/rooms/general");
    const light = javaScriptEnabled ? await reader.page.evaluate(background) : "";
    await reader.openMenu();
    await reader.page.getByRole("link", { name: "Dark" }).click();
    for (const path of ["/rooms/general", "/", "/publishers"]) {
      await reader.page.goto(path);
      await expect(reader.page.locator("html")).toHaveAttribute("data-theme", "dark");
      if (javaScriptEnabled) expect(await reader.page.evaluate(background), path).not.toBe(light);
    }
    await reader.openMenu();
    await expect(reader.page.locator(".choice-switch[aria-label=Theme] [aria-current]")).toHaveText("Dark");
    await reader.page.getByRole("link", { name: "Auto" }).click();
    expect(new URL(reader.page.url()).pathname).toBe("/publishers");
    if (javaScriptEnabled) expect(await reader.page.evaluate(background)).toBe(light);
  }
});

for (const viewport of [{ width: 320, height: 568 }, { width: 320, height: 256 }]) {
  test(`two people talk at ${viewport.width} by ${viewport.height}`, async ({ somebody, bob }) => {
    const room = await bob.makeRoom(`small ${crypto.randomUUID().slice(0, 8)}`);
    const small = await somebody({ viewport });
    await small.enterRoom(room);
    await bob.post("can you write from there?");
    await expect(small.messages.last()).toBeInViewport();
    await small.composer.fill("easily");
    await expect(small.page.getByRole("button", { name: "Send" })).toBeInViewport({ ratio: 1 });
    await small.page.getByRole("button", { name: "Send" }).click();
    await bob.expectMessages("can you write from there?", "easily");
    const overflow = await small.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, "it does not scroll sideways").toBeLessThanOrEqual(0);
    await small.page.getByRole("button", { name: "Menu" }).click();
    await expect(small.page.locator(".navigation [aria-current=page]")).toBeInViewport();
    await small.openMenu();
  });
}

test("the bar of a room fits 320 pixels, whoever is there and however the connection is", async ({ alice, bob, somebody, expectedFaults }) => {
  expectedFaults.push(/net::ERR_/);
  const room = await bob.makeRoom("a room with a name");
  const carol = await somebody();
  await carol.enterRoom(room);
  await alice.page.setViewportSize({ width: 320, height: 568 });
  await alice.enterRoom(room);
  await expect(alice.page.getByRole("button", { name: "Show people: 3" })).toBeVisible();
  const fits = async (when: string) => {
    expect(await alice.page.evaluate(() => document.documentElement.scrollWidth), when).toBeLessThanOrEqual(320);
    const heading = (await alice.page.locator("main h1").boundingBox())!;
    expect(heading.width, `${when}: the name can be read`).toBeGreaterThan(50);
    await expect(alice.badge, when).toBeInViewport({ ratio: 1 });
  };
  await fits("connected");
  await alice.context.setOffline(true);
  await alice.post("not yet");
  await expect(alice.badge).toHaveText(/Disconnected · /);
  await fits("disconnected, with a message that waits");
  await alice.context.setOffline(false);
  await bob.expectMessages("not yet");
});

test("the drawer of a phone opens and closes by the keyboard, and closes when a room is chosen", async ({ somebody }) => {
  const phone = await somebody({ viewport: { width: 390, height: 844 } });
  await phone.enterRoom("general");
  const menu = phone.page.getByRole("button", { name: "Menu" });
  await menu.focus();
  await phone.page.keyboard.press("Enter");
  await expect(phone.page.getByRole("link", { name: "tech" })).toBeVisible();
  await phone.page.keyboard.press("Escape");
  await expect(phone.page.getByRole("link", { name: "tech" })).toBeHidden();
  await expect(menu).toBeFocused();
  await phone.page.keyboard.press("Enter");
  await phone.page.getByRole("link", { name: "tech" }).click();
  await expect(phone.page.getByRole("heading", { level: 1 })).toHaveText("tech");
  await expect(phone.page.getByRole("link", { name: "random" })).toBeHidden();
});

withAccounts.describe("a server with many rooms", () => {
  withAccounts.use({ settings: { IDOBATA_LIMIT_ROOMS: "off" } });
  withAccounts("among two hundred rooms the current one is in view, and a private one is marked", async ({ admin }) => {
    await admin.open("/");
    for (let room = 0; room < 200; room++) {
      const answer = await admin.context.request.post("/api/rooms", { data: { name: `room ${room}`, private: room === 199 } });
      expect(answer.status()).toBe(201);
    }
    await admin.page.goto("/rooms/room-199");
    const current = admin.page.locator(".navigation [aria-current=page]");
    await expect(current).toBeInViewport({ ratio: 1 });
    await expect(admin.page.locator(".menu > button"), "the list scrolls by itself").toBeInViewport({ ratio: 1 });
    expect(await current.locator("path").getAttribute("d")).not.toBe(await admin.page.locator(".section:not(.section--channels) li path").first().getAttribute("d"));
  });
});

test("a talk is printed whole, without what can be operated", async ({ alice, bob }) => {
  const room = await bob.makeRoom(`paper ${crypto.randomUUID().slice(0, 8)}`);
  await bob.postByRequest(room, ...Array.from({ length: 40 }, (_, n) => `line ${n}`));
  await alice.enterRoom(room);
  await expect(alice.messages).toHaveCount(40);
  await alice.page.emulateMedia({ media: "print" });
  for (const gone of [".sidebar", ".composer", ".people", ".ticker", ".connection-badge"]) {
    await expect(alice.page.locator(gone)).toBeHidden();
  }
  const [list, page] = await alice.page.evaluate(() => {
    const scroller = document.querySelector(".message-list__scroller")!;
    return [scroller.scrollHeight - scroller.clientHeight, document.documentElement.scrollHeight];
  });
  expect(list, "nothing is hidden in a scroll container").toBeLessThanOrEqual(0);
  expect(page).toBeGreaterThan(1_000);
});

test("a density that was chosen stays on every page, from the first paint on, with and without JavaScript", async ({ somebody }) => {
  for (const javaScriptEnabled of [true, false]) {
    const reader = await somebody({ javaScriptEnabled });
    await reader.page.goto("/rooms/general");
    const rowHeight = () => reader.page.locator(".navigation a").first().evaluate((link) => link.getBoundingClientRect().height);
    const comfortable = await rowHeight();
    await reader.openMenu();
    await reader.page.getByRole("link", { name: "Compact" }).click();
    await expect(reader.page.locator("html")).toHaveAttribute("data-density", "compact");
    for (const path of ["/rooms/general", "/", "/publishers"]) {
      await reader.page.goto(path, { waitUntil: "commit" });
      await expect(reader.page.locator("html")).toHaveAttribute("data-density", "compact");
      await expect(reader.page.locator(".choice-switch[aria-label=Density] [aria-current]")).toHaveText("Compact");
      expect(await rowHeight()).toBeLessThan(comfortable);
    }
  }
});

test("a favourite stands first in the sidebar of this device, with and without JavaScript", async ({ bob, somebody }) => {
  const room = await bob.makeRoom(unique("favoured"));
  for (const javaScriptEnabled of [true, false]) {
    const reader = await somebody({ javaScriptEnabled });
    await reader.page.goto(`/rooms/${room}`);
    const favourites = reader.page.locator(".section", { hasText: "Favourites" }).getByRole("link");
    await expect(favourites).toHaveCount(0);
    if (javaScriptEnabled) await reader.composer.fill("half a sentence");
    await reader.page.getByRole("link", { name: "Add to favourites" }).click();
    await expect(favourites).toHaveCount(1);
    await expect(favourites).toHaveAttribute("aria-current", "page");
    await expect(reader.page.locator(`.navigation a[href="/rooms/${room}"]`), "it stands there once").toHaveCount(1);
    if (javaScriptEnabled) await expect(reader.composer).toHaveValue("half a sentence");
    await reader.page.goto("/publishers");
    await expect(favourites).toHaveCount(1);
    await favourites.click();
    await reader.page.getByRole("link", { name: "Remove from favourites" }).click();
    await expect(favourites).toHaveCount(0);
  }
});

test("a room that somebody else makes, or invites to, appears in the sidebar without a reload", async ({ bob, somebody }) => {
  const alice = await named(await somebody(), unique("carol"));
  await alice.page.clock.install();
  await alice.enterRoom("general");
  const room = await bob.makeRoom(unique("fresh"));
  const link = alice.page.locator(`.navigation a[href="/rooms/${room}"]`);
  await expect(link, "at once").toBeVisible();
  const { user } = await (await alice.context.request.get("/api/session")).json();
  const name = unique("closed");
  expect((await bob.context.request.post("/api/rooms", { data: { name, private: true } })).status()).toBe(201);
  const closed = name.replaceAll(" ", "-");
  const invited = alice.page.locator(`.navigation a[href="/rooms/${closed}"]`);
  await expect(invited).toHaveCount(0);
  expect((await bob.context.request.post(`/api/rooms/${closed}/members`, { data: { name: user.name } })).status()).toBe(201);
  await alice.page.clock.runFor(21_000);
  await expect(invited).toBeVisible();
  const other = await bob.makeRoom(unique("fresher"));
  await alice.feedLink.click();
  await expect(alice.page.locator(`.navigation a[href="/rooms/${other}"]`), "a navigation brings it too").toBeVisible();
  await link.click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toContainText("fresh");
});

test("a link that the pointer rests on is loaded before it is pressed, and a slow page shows that it comes", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("ahead"));
  await bob.post("ready");
  await alice.page.goto("/");
  await expect(alice.page.locator("[data-connection=open]").first()).toBeVisible();
  const asked: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await alice.page.route("**/fn/start?room=*", async (route) => {
    asked.push(route.request().url());
    await held;
    await route.continue();
  });
  const link = alice.page.locator(`.navigation a[href="/rooms/${room}"]`);
  await link.hover();
  await expect.poll(() => asked.length).toBe(1);
  await link.click();
  await expect(alice.page.locator(".progress"), "it shows after a moment").toHaveCSS("opacity", "1");
  await expect(alice.page.getByRole("heading", { level: 1 }), "the previous page stays").toHaveText("Feed");
  release();
  await alice.expectMessages("ready");
  await expect(alice.page.locator(".progress")).toHaveCSS("opacity", "0");
  expect(asked.length, "it was loaded once").toBe(1);
});

test("a newcomer copies the command that publishes the first notification", async ({ somebody }) => {
  const server = await Server.start();
  const newcomer = await somebody({ baseURL: server.url, permissions: ["clipboard-read", "clipboard-write"] });
  await newcomer.page.goto("/");
  await expect(newcomer.page.locator("html[data-hydrated]")).toBeAttached();
  for (const [client, expected] of [
    ["curl", `curl -d 'backup done' ${server.url}/api/events/ops`],
    ["ntfy", `ntfy publish ${server.url}/ops 'backup done'`],
    ["idobata", `IDOBATA_URL=${server.url} idobata publish ops 'backup done'`],
  ]) {
    await newcomer.page.getByRole("button", { name: `Copy ${client}` }).click();
    await expect(newcomer.page.getByRole("button", { name: `Copied ${client}` })).toBeVisible();
    expect(await newcomer.page.evaluate(() => navigator.clipboard.readText())).toBe(expected);
  }
  await newcomer.page.close();
  await server.stop();
});
