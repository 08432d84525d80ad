// What is unread: the counts in the sidebar and in the title, which are the same on all devices of a person and go when the
// room is read on one of them.
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, WebSocketRoute } from "@playwright/test";
import { openMenu, Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** The row of a room in the sidebar, and the number beside it. */
const row = (person: Person, name: string): Locator => person.page.locator(".navigation li").filter({ has: person.page.getByRole("link", { name, exact: true }) });
const count = (person: Person, name: string): Locator => row(person, name).locator(".unread__messages");

/** The same person on another device. */
async function anotherDevice(person: Person, somebody: (options: object) => Promise<Person>): Promise<Person> {
  return somebody({ storageState: await person.context.storageState() });
}

/** A room that both have read, and in which alice is no more: she is in #general. */
async function leftRoom(alice: Person, bob: Person, name: string): Promise<string> {
  const room = await bob.makeRoom(name);
  await bob.postByRequest(room, "hello");
  await alice.enterRoom(room);
  await expectRead(alice, room);
  await alice.page.locator(".navigation").getByRole("link", { name: "general", exact: true }).click();
  await expect(alice.page.locator("main h1")).toHaveText("general");
  await alice.expectConnected();
  return room;
}

/** Waits until the server knows that the person has read everything in a room. */
async function expectRead(person: Person, room: string) {
  await expect.poll(() => state(person, room)).toMatchObject({ unread: 0, read: expect.stringContaining(":") });
}

/** The server's own count. */
async function state(person: Person, room: string) {
  const { rooms } = await (await person.context.request.get("/api/user")).json();
  return rooms.find((one: { room: string }) => one.room === decodeURIComponent(room));
}

test("what is said in another room is counted in the sidebar and in the title, and reading it on one device clears it on the other", async ({ alice, bob, somebody }) => {
  const name = unique("counted");
  const room = await leftRoom(alice, bob, name);
  const phone = await anotherDevice(alice, somebody);
  await phone.enterRoom("general");
  await bob.postByRequest(room, "one", "two", "three");
  for (const device of [alice, phone]) {
    await expect(count(device, name)).toHaveText("3");
    await expect(device.page).toHaveTitle(/^\(\d+\) Room general/);
    await expect(device.page.locator("link[rel=icon]")).toHaveAttribute("href", "/favicon.svg?unread");
    await expect(device.page.getByRole("link", { name, exact: true })).toHaveAccessibleDescription("3 unread messages");
  }
  // One that is taken back does not count.
  await bob.enterRoom(room);
  const menu = await openMenu(bob.page, bob.messages.filter({ hasText: "three" }));
  await menu.getByRole("button", { name: "Delete" }).click();
  for (const device of [alice, phone]) await expect(count(device, name)).toHaveText("2");
  await row(phone, name).getByRole("link").click();
  await expect(phone.page.locator(".divider + .message")).toContainText("one");
  for (const device of [alice, phone]) await expect(count(device, name)).toHaveCount(0);
  await expect(alice.page).toHaveTitle(/^Room general/);
  await expect(alice.page.locator("link[rel=icon]")).toHaveAttribute("href", "/favicon.svg");
  expect(await state(alice, room)).toMatchObject({ unread: 0 });
  // What comes into the room that is open is read on both.
  await bob.postByRequest(room, "four");
  await expect(phone.messages.last()).toContainText("four");
  await expectRead(alice, room);
  await expect(count(alice, name)).toHaveCount(0);
});

test("a room that nobody has read yet counts nothing, and one's own messages do not either", async ({ alice, bob }) => {
  const name = unique("quiet");
  const room = await bob.makeRoom(name);
  await bob.postByRequest(room, "before alice knew of it");
  await alice.enterRoom("general");
  await expect(row(alice, name)).toBeVisible();
  await expect(count(alice, name)).toHaveCount(0);
  const own = unique("own");
  const mine = await leftRoom(alice, bob, own);
  await alice.postByRequest(mine, "from a program of mine");
  await bob.postByRequest(mine, "and one of bob's");
  await expect(count(alice, own)).toHaveText("1");
});

test("what is read just before one leaves the room is read", async ({ alice, bob }) => {
  const name = unique("left soon");
  const room = await bob.makeRoom(name);
  await bob.postByRequest(room, "first");
  await alice.enterRoom(room);
  await expectRead(alice, room);
  // Two that come within the time in which one mark is sent.
  await bob.postByRequest(room, "second", "third");
  await expect(alice.messages.last()).toContainText("third");
  await row(alice, "general").getByRole("link").click();
  await expect(alice.page.locator("main h1")).toHaveText("general");
  await expect.poll(async () => (await state(alice, room)).unread).toBe(0);
  await expect(count(alice, name)).toHaveCount(0);
});

test("what is read just before the page is closed is read", async ({ alice, bob }) => {
  const name = unique("closed soon");
  const room = await bob.makeRoom(name);
  await bob.postByRequest(room, "first");
  await alice.enterRoom(room);
  await expectRead(alice, room);
  // The second one comes within the time in which one mark is sent.
  await bob.postByRequest(room, "second");
  await expect(alice.messages.last()).toContainText("second");
  await bob.postByRequest(room, "third");
  await expect(alice.messages.last()).toContainText("third");
  await alice.page.goto("about:blank");
  await expect.poll(async () => (await state(alice, room)).unread).toBe(0);
});

test("a message that is marked unread stays so until one comes back, and the line stands at it on every device", async ({ alice, bob, somebody }) => {
  const name = unique("marked");
  const room = await bob.makeRoom(name);
  await bob.postByRequest(room, "first", "second", "third");
  await alice.enterRoom(room);
  await expectRead(alice, room);
  const desk = await anotherDevice(alice, somebody);
  await desk.enterRoom(room);
  const menu = await openMenu(alice.page, alice.messages.filter({ hasText: "second" }));
  await menu.getByRole("button", { name: "Mark unread from here" }).click();
  for (const device of [alice, desk]) await expect(device.page.locator(".divider + .message")).toContainText("second");
  await expect.poll(async () => (await state(alice, room)).unread).toBe(2);
  // Whoever looks at the room still does not read it by that: not what comes now, either.
  await bob.postByRequest(room, "fourth");
  for (const device of [alice, desk]) await expect(device.messages.last()).toContainText("fourth");
  await row(alice, "general").getByRole("link").click();
  await expect(count(alice, name)).toHaveText("3");
  // Back in it, it is read.
  await row(alice, name).getByRole("link").click();
  await expect(alice.page.locator(".divider + .message")).toContainText("second");
  await expectRead(alice, room);
});

test("on the feed the counts go on", async ({ alice, bob }) => {
  const name = unique("heard elsewhere");
  const room = await leftRoom(alice, bob, name);
  await alice.feedLink.click();
  await expect(alice.page.locator(".feed-page [data-connection=open]")).toBeVisible();
  await bob.postByRequest(room, "one");
  await expect(count(alice, name)).toHaveText("1");
  await expect(alice.page).toHaveTitle(/^\(1\) Feed/);
  await alice.page.locator(".navigation").getByRole("link", { name: "general", exact: true }).click();
  await expect(alice.page.locator("main h1")).toHaveText("general");
  await alice.expectConnected();
  await bob.postByRequest(room, "two");
  await expect(count(alice, name)).toHaveText("2");
});

test("after a time without a connection the counts are those of the server", async ({ alice, bob, somebody }) => {
  const sockets: WebSocketRoute[] = [];
  let [isDown, comeBack] = [false, () => {}];
  await alice.page.routeWebSocket("/ws", async (socket) => {
    if (isDown) await new Promise<void>((resolve) => (comeBack = resolve));
    sockets.push(socket);
    socket.connectToServer();
  });
  const [name, other] = [unique("dropped"), unique("read meanwhile")];
  const room = await leftRoom(alice, bob, name);
  const meanwhile = await leftRoom(alice, bob, other);
  await bob.postByRequest(meanwhile, "one");
  await expect(count(alice, other)).toHaveText("1");
  isDown = true;
  await sockets.at(-1)!.close({ code: 1012 });
  await expect(alice.page.locator(".conversation .connection-badge")).toHaveText("Disconnected");
  await bob.postByRequest(room, "two", "three");
  const phone = await anotherDevice(alice, somebody);
  await phone.enterRoom(meanwhile);
  await expectRead(phone, meanwhile);
  isDown = false;
  await expect(async () => {
    comeBack();
    await alice.expectConnected();
  }).toPass();
  await expect(count(alice, name)).toHaveText("2");
  await expect(count(alice, other)).toHaveCount(0);
});

test("without a script the counts are those of the moment, and the browser that reads by a stream hears them too", async ({ alice, bob, somebody }) => {
  const name = unique("as it comes");
  const room = await leftRoom(alice, bob, name);
  await bob.postByRequest(room, "one");
  const plain = await somebody({ javaScriptEnabled: false, storageState: await alice.context.storageState() });
  await plain.page.goto("/rooms/general");
  await expect(count(plain, name)).toHaveText("1");
  await expect(plain.page).toHaveTitle(/^\(1\) Room general/);
  const streamed = await anotherDevice(alice, somebody);
  await streamed.page.routeWebSocket("/ws", (socket) => socket.close({ code: 1011 }));
  await streamed.open("/rooms/general");
  await streamed.expectTransport("stream");
  await bob.postByRequest(room, "two");
  await expect(count(streamed, name)).toHaveText("2");
  await row(streamed, name).getByRole("link").click();
  await expect(streamed.messages.last()).toContainText("two");
  await expect(count(alice, name)).toHaveCount(0);
});

test("a room's bell says what counts, also without a script, and a new room is in the sidebar at once", async ({ alice, bob, somebody }) => {
  const name = unique("levels");
  const room = await leftRoom(alice, bob, name);
  await alice.enterRoom(room);
  await alice.page.getByRole("button", { name: "Notifications of this room" }).click();
  const levels = alice.page.locator("#levels");
  await expect(levels.getByRole("button", { name: "Every message" })).toHaveAttribute("aria-pressed", "true");
  await levels.getByRole("button", { name: "Mentions only" }).click();
  await alice.expectConnected();
  await expect.poll(() => state(alice, room)).toMatchObject({ level: "mentions" });
  await row(alice, "general").getByRole("link").click();
  // While the room is still on the page, what comes is read.
  await expect(alice.page.locator("main h1")).toHaveText("general");
  await alice.expectConnected();
  await bob.postByRequest(room, "not for her");
  await expect(count(alice, name)).toHaveText("1");
  await expect(row(alice, name).locator(".unread")).toHaveAttribute("data-muted", "true");
  await expect(alice.page, "it is counted, and calls nobody").toHaveTitle(/^Room general/);
  const plain = await somebody({ javaScriptEnabled: false, storageState: await alice.context.storageState() });
  await plain.page.goto(`/rooms/${room}`);
  await plain.page.getByRole("button", { name: "Notifications of this room" }).click();
  await plain.page.getByRole("button", { name: "Every message" }).click();
  await expect(plain.page.locator("main h1")).toHaveText(name);
  await expect(alice.page).toHaveTitle(/^\(1\) Room general/);
  const fresh = unique("just made");
  await bob.makeRoom(fresh);
  await expect(row(alice, fresh)).toBeVisible({ timeout: 10_000 });
});

test("読んでいないメッセージの数は日本語でも読み上げられる", async ({ somebody, bob }) => {
  const alice = await somebody({ locale: "ja-JP" });
  await alice.context.request.post("/api/session", { data: { name: "有栖" } });
  const name = unique("日本語");
  const room = await leftRoom(alice, bob, name);
  await bob.postByRequest(room, "一", "二");
  await expect(count(alice, name)).toHaveText("2");
  await expect(alice.page.getByRole("link", { name, exact: true })).toHaveAccessibleDescription("未読メッセージ2件");
  const { violations } = await new AxeBuilder({ page: alice.page }).analyze();
  expect(violations).toEqual([]);
});
