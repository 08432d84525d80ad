// The unread counts while connections drop: before each step a device is cut off, and after it every device of the person shows
// the same counts, the same line and the same title, by whatever transport it is connected.
import type { Locator } from "@playwright/test";
import { openMenu, type Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const row = (person: Person, name: string): Locator => person.page.locator(".navigation li").filter({ has: person.page.getByRole("link", { name, exact: true }) });

/** A room in the sidebar of a device, and its title. */
type Shown = { messages?: string; mentions?: string; muted?: boolean; title: string };

async function expectShown(device: Person, name: string, { messages, mentions, muted, title }: Shown) {
  const [counted, named] = [row(device, name).locator(".unread__messages"), row(device, name).locator(".unread__mentions")];
  await (messages ? expect(counted).toHaveText(messages) : expect(counted).toHaveCount(0));
  await (mentions ? expect(named).toHaveText(mentions) : expect(named).toHaveCount(0));
  await expect(row(device, name).locator(".unread[data-muted]")).toHaveCount(muted ? 1 : 0);
  await expect(device.page).toHaveTitle(title);
}

/** Does something while a device is cut off. */
async function without(cut: Person, act: () => Promise<unknown>) {
  await cut.context.setOffline(true);
  await expect(cut.badge).toHaveText(/^Disconnected/);
  await act();
  await cut.context.setOffline(false);
  await cut.expectConnected();
}

/** Goes to another room by the sidebar. */
async function go(person: Person, name: string) {
  await row(person, name).getByRole("link", { name, exact: true }).click();
  await expect(person.page.locator("main h1")).toHaveText(name);
  await person.expectConnected();
}

async function mark(person: Person, room: string, level: string) {
  const data = { id: crypto.randomUUID(), kind: "level", room: decodeURIComponent(room), level };
  expect((await person.context.request.post("/api/user/marks", { data })).status()).toBe(201);
}

/** Waits until the server knows that the person has read everything in a room. */
async function expectRead(person: Person, room: string) {
  await expect.poll(async () => {
    const { rooms } = await (await person.context.request.get("/api/user")).json();
    return rooms.find((one: { room: string }) => one.room === decodeURIComponent(room));
  }).toMatchObject({ unread: 0, read: expect.stringContaining(":") });
}

for (const transport of ["auto", "stream", "poll"] as const) {
  test(`cut off before each step, every device shows the same counts, line and title: ${transport}`, async ({ alice, bob, somebody, expectedFaults }) => {
    test.setTimeout(240_000);
    expectedFaults.push(/INTERNET_DISCONNECTED/);
    const desk = alice;
    const name = unique("dropped");
    const room = await bob.makeRoom(name);
    await bob.postByRequest(room, "hello");
    await desk.open(`/rooms/${room}?transport=${transport}`);
    await expectRead(desk, room);
    const phone = await somebody({ storageState: await desk.context.storageState() });
    await phone.open(`/rooms/general?transport=${transport}`);
    await phone.expectConnected();
    for (const person of [desk, bob]) await go(person, "general");
    if (transport !== "auto") for (const device of [desk, phone]) await device.expectTransport(transport);
    const expectBoth = async (shown: Shown, of = name) => {
      for (const device of [desk, phone]) await expectShown(device, of, shown);
    };
    const plain = "Room general · Idobata";
    await expectBoth({ title: plain });

    await without(desk, () => bob.postByRequest(room, "one", "two"));
    await expectBoth({ messages: "2", title: `(2) ${plain}` });

    await without(phone, () => bob.postByRequest(room, "three, @alice"));
    await expectBoth({ messages: "3", mentions: "@1", title: `(3) ${plain}` });

    await without(desk, async () => {
      const page = await (await bob.context.request.get(`/api/rooms/${room}/messages`)).json();
      const { offset } = page.messages.find(({ text }: { text: string }) => text === "two");
      const data = { id: crypto.randomUUID(), kind: "edit", text: "two, @alice" };
      expect((await bob.context.request.post(`/api/rooms/${room}/messages/${offset}/changes`, { data })).status()).toBe(201);
    });
    await expectBoth({ messages: "3", mentions: "@2", title: `(3) ${plain}` });

    await without(desk, () => mark(phone, room, "nothing"));
    await expectBoth({ messages: "3", mentions: "@2", muted: true, title: plain });
    await without(phone, () => mark(desk, room, "all"));
    await expectBoth({ messages: "3", mentions: "@2", title: `(3) ${plain}` });

    // A conversation that begins while one is away.
    await without(desk, async () => {
      const { user } = await (await desk.context.request.get("/api/session")).json();
      const started = await bob.context.request.post("/api/direct", { data: { user_ids: [user.id] } });
      await bob.postByRequest((await started.json()).room, "psst");
    });
    await expectBoth({ messages: "1", title: `(4) ${plain}` }, "bob");

    await without(desk, async () => {
      await go(phone, name);
      await expect(phone.page.locator(".divider + .message")).toContainText("one");
      await expectRead(phone, room);
    });
    await expectShown(desk, name, { title: `(1) ${plain}` });
    await go(desk, name);
    await expect(desk.messages.last()).toContainText("three");

    await without(desk, async () => {
      const menu = await openMenu(phone.page, phone.messages.filter({ hasText: "two" }));
      await menu.getByRole("button", { name: "Mark unread from here" }).click();
      await expect(phone.page.locator(".divider + .message")).toContainText("two");
    });
    await expect(desk.page.locator(".divider + .message")).toContainText("two");
    for (const device of [desk, phone]) await go(device, "general");
    await expectBoth({ messages: "2", mentions: "@2", title: `(3) ${plain}` });

    await without(bob, () => desk.postByRequest(room, "four, @bob"));
    await expectShown(bob, name, { messages: "1", mentions: "@1", title: `(1) ${plain}` });
    await expectBoth({ messages: "2", mentions: "@2", title: `(3) ${plain}` });
  });
}
