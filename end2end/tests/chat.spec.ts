// Two people talk.
import type { WebSocketRoute } from "@playwright/test";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

test("what two people say stands in one order on both pages", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("order"));
  await bob.enterRoom(room);
  await alice.post("hello bob");
  await bob.expectMessages("hello bob");
  await bob.post("hello alice");
  await alice.expectMessages("hello bob", "hello alice");
  await alice.post("how is the well?");
  await bob.expectMessages("hello bob", "hello alice", "how is the well?");
  await expect(bob.messages.nth(0).locator(".message__user")).toHaveText("alice");
  await expect(bob.messages.nth(1).locator(".message__user")).toHaveText("bob");
});

test("many messages at once come through whole and in order", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("many"));
  await bob.enterRoom(room);
  const texts = Array.from({ length: 30 }, (_, index) => `message ${index + 1}`);
  for (const text of texts) await alice.post(text);
  await bob.expectMessages(...texts);
  await alice.expectMessages(...texts);
});

test("a message is pending until the server has it", async ({ alice }) => {
  const held: (() => void)[] = [];
  await alice.page.routeWebSocket("/ws", (socket: WebSocketRoute) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (/"type":"(posted|message)"/.test(message.toString())) held.push(() => socket.send(message));
      else socket.send(message);
    });
  });
  await alice.makeRoom(unique("pending"));
  await alice.post("on its way");
  const line = alice.page.locator('.message[data-state="pending"]');
  await expect(line).toContainText("Sending…");
  await expect.poll(() => held.length).toBe(2);
  held.forEach((release) => release());
  await alice.expectMessages("on its way");
});

test("a refused message stays, says why, and can be sent again", async ({ alice, bob }) => {
  let refusals = 1;
  await alice.page.routeWebSocket("/ws", (socket: WebSocketRoute) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const frame = JSON.parse(message.toString());
      if (frame.type === "post" && refusals-- > 0) {
        socket.send(JSON.stringify({ type: "rejected", id: frame.id, code: "unavailable", message: "…" }));
      } else server.send(message);
    });
  });
  const room = await alice.makeRoom(unique("refused"));
  await bob.enterRoom(room);
  await alice.post("try me");
  const line = alice.page.locator('.message[data-state="failed"]');
  await expect(line).toContainText("The server is unavailable right now");
  await line.getByRole("button", { name: "Try again" }).click();
  await alice.expectMessages("try me");
  await bob.expectMessages("try me");
});

test("people see each other come, go, and change rooms", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("people"));
  await alice.expectPeople(/alice \(you\)/);
  await bob.enterRoom(room);
  await alice.expectPeople("alice", "bob");
  await bob.expectPeople("alice", "bob");
  await expect(alice.page.locator(".people__news")).toHaveText("bob joined");
  await bob.page.getByRole("link", { name: "tech" }).click();
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("tech");
  await expect(bob.page.locator(".people__list li", { hasText: "alice" })).toHaveCount(0);
  await expect(alice.page.locator(".people__news")).toHaveText("bob left");
  await alice.expectPeople("alice");
});

test("two rooms are two talks on one socket", async ({ alice, bob }) => {
  const sockets: string[] = [];
  alice.page.on("websocket", (socket) => sockets.push(socket.url()));
  const one = await bob.makeRoom(unique("one"));
  const other = await bob.makeRoom(unique("other"));
  await bob.enterRoom(one);
  await alice.enterRoom(one);
  await bob.post("in the one");
  await alice.expectMessages("in the one");
  await alice.page.locator(`a[href="/rooms/${other}"]`).click();
  await alice.page.waitForURL(`/rooms/${other}`);
  await alice.expectMessages();
  await bob.post("still in the one");
  await alice.post("in the other");
  await alice.expectMessages("in the other");
  await alice.page.locator(`a[href="/rooms/${one}"]`).click();
  await alice.expectMessages("in the one", "still in the one");
  expect(sockets).toHaveLength(1);
});

test("somebody who is typing is seen, and the sign ends with the message", async ({ alice, bob }) => {
  await alice.keepSignsOfTyping();
  const room = await alice.makeRoom(unique("typing"));
  await bob.enterRoom(room);
  await bob.composer.pressSequentially("I thin");
  await expect(alice.page.locator(".composer__typing")).toHaveText("bob is typing…");
  await bob.composer.press("Enter");
  await expect(alice.page.locator(".composer__typing")).toHaveText("");
});

test("a new name is the name of the next message, and the id stays", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("names"));
  await bob.enterRoom(room);
  await alice.post("as alice");
  await alice.rename("Alice B.");
  await alice.expectConnected();
  await alice.post("as Alice B.");
  await bob.expectMessages("as alice", "as Alice B.");
  await expect(bob.page.locator(".message__user")).toHaveText(["alice", "Alice B."]);
  await bob.expectPeople("Alice B.", "bob");
  await expect(alice.page.locator('.message[data-mine="true"]')).toHaveCount(2);
});

test("a long talk starts at its end and pages back", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("long"));
  for (let index = 1; index <= 70; index += 1) {
    const response = await alice.context.request.post(`/api/rooms/${room}/messages`, {
      data: { id: crypto.randomUUID(), text: `line ${index}` },
    });
    expect(response.status()).toBe(201);
  }
  await bob.enterRoom(room);
  await expect(bob.messages).toHaveCount(50);
  await expect(bob.messages.last()).toBeInViewport();
  // Nearing the beginning is enough; the button is for when that has failed.
  await bob.messages.first().scrollIntoViewIfNeeded();
  await expect(bob.messages).toHaveCount(70);
  await expect(bob.messages.first()).toContainText("line 1");
  await expect(bob.page.getByRole("button", { name: "Show earlier messages" })).toHaveCount(0);
});
