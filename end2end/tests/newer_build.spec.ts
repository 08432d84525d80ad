// A page that stays open while the server is updated: what it cannot read it passes over, and says so once.
import type { Page, WebSocketRoute } from "@playwright/test";
import type { Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const note = ({ page }: Person) => page.getByRole("status").filter({ hasText: "There is a newer version of this page" });

/** As a later build would write a message that has this word in it. */
const asLaterBuild = (json: string) =>
  json.replace(/"type":"message"(?=[^{}]*later build)/g, '"type":"change","ref":1').replace(/"text":"([^"]*later build[^"]*)"/g, '"words":"$1"');

/** The sockets of a page lead to a later build; the frames that the page sends are counted by their type. */
async function toLaterBuild(page: Page) {
  const joins: string[] = [];
  const sockets: WebSocketRoute[] = [];
  await page.routeWebSocket("/ws", (socket) => {
    sockets.push(socket);
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      if (message.toString().includes('"type":"join"')) joins.push(message.toString());
      server.send(message);
    });
    server.onMessage((message) => socket.send(asLaterBuild(message.toString())));
  });
  return { joins, sockets };
}

/** What streams and requests bring to a page is written as a later build would. */
async function hearLaterBuild(page: Page) {
  await page.addInitScript(() => {
    const later = (json: string) =>
      json
        .replace(/"type":"message"(?=[^{}]*later build)/g, '"type":"change","ref":1')
        .replace(/"type":"notification"(?=[^{}]*later build)/g, '"type":"picture"')
        .replace(/("id":"[^{}]*)"text":"([^"]*later build[^"]*)"/g, '$1"words":"$2"');
    const add = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (this: EventSource, type: string, listener: never, options: never) {
      const hear = (event: MessageEvent) =>
        (listener as (event: MessageEvent) => void)(new MessageEvent("message", { data: later(event.data) }));
      add.call(this, type, type === "message" ? (hear as never) : listener, options);
    } as typeof add;
    const read = Response.prototype.text;
    Response.prototype.text = async function () {
      return later(await read.call(this));
    };
  });
}

test.describe("a page that stayed open over an update", () => {
  test.use({ expectedFaults: [/cannot be read/] });

  test("goes on with the talk by a socket, and offers once to reload", async ({ alice, bob }) => {
    const { joins, sockets } = await toLaterBuild(alice.page);
    const room = await alice.makeRoom(unique("update"));
    await bob.enterRoom(room);
    await bob.post("before");
    await alice.expectMessages("before");
    const before = joins.length;
    await bob.post("from a later build");
    await bob.post("another of the later build");
    await bob.post("after");
    await alice.expectMessages("before", "after");
    await expect(note(alice)).toHaveCount(1);
    await alice.post("and back");
    await bob.expectMessages("before", "from a later build", "another of the later build", "after", "and back");
    expect(joins.length, "nothing was missing, so the room is joined once").toBe(before);
    await sockets.at(-1)!.close({ code: 1012 });
    await expect.poll(() => joins.length).toBe(before + 1);
    await alice.expectConnected();
    const after = Number(/"after":"[^"]*:(\d+)"/.exec(joins.at(-1)!)![1]);
    expect(after, "the cursor is behind everything that was heard").toBe(5);
    await alice.composer.fill("half a thought");
    await alice.page.unrouteAll();
    await note(alice).getByRole("button", { name: "Reload the page" }).click();
    await expect(alice.messages).toHaveCount(5);
    await expect(alice.composer).toHaveValue("half a thought");
    await expect(note(alice)).toHaveCount(0);
  });

  for (const [name, transport] of [
    ["server-sent events", "stream"],
    ["polls", "poll"],
  ] as const) {
    test(`goes on with the talk by ${name}`, async ({ alice, bob }) => {
      await hearLaterBuild(alice.page);
      const room = await bob.makeRoom(unique("update"));
      await alice.open(`/rooms/${room}?transport=${transport}`);
      await alice.expectTransport(transport);
      await bob.post("before");
      await alice.expectMessages("before");
      await bob.post("from a later build");
      await bob.post("after");
      await alice.expectMessages("before", "after");
      await expect(note(alice)).toHaveCount(1);
      await bob.post("and on");
      await alice.expectMessages("before", "after", "and on");
    });
  }

  test("loads the next page as a document where it cannot read that page's data", async ({ alice, bob }) => {
    const [one, two] = [unique("one"), unique("two")];
    const room = await bob.makeRoom(two);
    await bob.post("hello");
    await alice.makeRoom(one);
    await alice.composer.fill("half a thought");
    // As a later build would send them.
    let asked = 0;
    await alice.page.route("**/fn/start*", (route) => {
      asked += 1;
      return route.fulfill({ json: { path: `/rooms/${room}`, problem: null, visit: null, page: { board: { title: two, cards: [] } } } });
    });
    await alice.page.locator(".navigation").getByRole("link", { name: two }).click();
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(two);
    await alice.expectConnected();
    await alice.expectMessages("hello");
    expect(asked).toBeGreaterThan(0);
    await expect(alice.page.getByRole("alert")).toHaveCount(0);
    await expect(alice.page).toHaveURL(new RegExp(`/rooms/${room}$`));
    await alice.page.goBack();
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(one);
    await expect(alice.composer).toHaveValue("half a thought");
  });

  for (const transport of ["stream", "poll"] as const) {
    test(`goes on with the feed (${transport})`, async ({ alice, server }) => {
      await hearLaterBuild(alice.page);
      await alice.open(`/?transport=${transport}`);
      const feed = alice.page.locator(".feed-page");
      await expect(feed.locator(`[data-connection=open][data-transport=${transport}]`).first()).toBeVisible();
      const [before, hidden, after] = ["before", "of a later build", "after"].map(unique);
      for (const text of [before, hidden, after]) await server.publish("ops", text);
      await expect(feed.getByText(before)).toBeVisible();
      await expect(feed.getByText(after)).toBeVisible();
      await expect(feed.getByText(hidden)).toHaveCount(0);
      await expect(note(alice)).toHaveCount(1);
      await expect(feed.locator(`[data-connection=open][data-transport=${transport}]`).first()).toBeVisible();
    });
  }
});
