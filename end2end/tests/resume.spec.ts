// The promise, as people meet it: a connection drops, and nothing is missing or twice.
import type { WebSocketRoute } from "@playwright/test";
import { Server } from "../support/server.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

test("what was said while a connection was down is there once, in order, on both pages", async ({ alice, bob }) => {
  const sockets: WebSocketRoute[] = [];
  let isDown = false;
  let comeBack = () => {};
  await alice.page.routeWebSocket("/ws", async (socket) => {
    if (isDown) await new Promise<void>((resolve) => (comeBack = resolve));
    sockets.push(socket);
    socket.connectToServer();
  });
  const room = await alice.makeRoom(unique("resume"));
  await bob.enterRoom(room);
  await alice.post("before");
  await alice.expectMessages("before");
  await bob.expectMessages("before");
  isDown = true;
  await sockets.at(-1)!.close({ code: 1012 });
  await expect(alice.page.locator(".conversation .connection-badge")).toHaveText("Disconnected");
  for (const text of ["one", "two", "three"]) await bob.post(text);
  await bob.expectMessages("before", "one", "two", "three");
  await alice.post("from the tunnel");
  await expect(alice.page.locator('.message[data-state="pending"]')).toHaveText(/from the tunnel/);
  await expect(alice.messages).toHaveCount(2);
  isDown = false;
  await expect(async () => {
    comeBack();
    await alice.expectConnected();
  }).toPass();
  await alice.expectMessages("before", "one", "two", "three", "from the tunnel");
  await bob.expectMessages("before", "one", "two", "three", "from the tunnel");
});

test("what was not said yet survives a look at other pages", async ({ alice, bob }) => {
  let isMute = true;
  await alice.page.routeWebSocket("/ws", (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      if (!(isMute && message.toString().includes('"type":"post"'))) server.send(message);
    });
  });
  const room = await alice.makeRoom(unique("kept"));
  await bob.enterRoom(room);
  await alice.post("not lost");
  await expect(alice.page.locator('.message[data-state="pending"]')).toBeVisible();
  await alice.composer.fill("half a thought");
  await alice.page.locator(".navigation").getByRole("link", { name: "tech" }).click();
  await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("tech");
  await expect(alice.composer).toHaveValue("");
  await alice.feedLink.click();
  await expect(alice.page.locator(".feed-page [data-connection=open]")).toBeVisible();
  isMute = false;
  await alice.page.locator(`a[href="/rooms/${room}"]`).click();
  await expect(alice.composer).toHaveValue("half a thought");
  await alice.expectMessages("not lost");
  await bob.expectMessages("not lost");
});

test("a reader whose history is gone is told so, and goes on with what there is", async ({ somebody, expectedFaults }) => {
  // Servers are taken away under the page, whatever it is asking for at that moment.
  expectedFaults.push(/net::ERR_|WebSocket connection to/);
  const env = { JWT_SECRET: "the same key for both, so that she stays who she is" };
  const before = await Server.start({ env });
  const alice = await somebody({ baseURL: before.url });
  await before.publish("ops", "before the flood");
  await alice.enterRoom("general");
  await alice.post("before the flood");
  await alice.expectMessages("before the flood");
  await before.leave();
  await expect(alice.page.locator(".conversation .connection-badge")).toHaveText("Disconnected");

  // The same address, and a database that knows nothing.
  const after = await Server.start({ env, listen: new URL(before.url).host });
  try {
    await after.publish("ops", "after the flood");
    await expect(alice.page.getByText("Older messages were removed.")).toBeVisible({ timeout: 40_000 });
    await expect(alice.messages).toHaveCount(0);
    await alice.post("after the flood");
    await alice.expectMessages("after the flood");
    await expect(alice.page.locator(".ticker .notification")).toHaveText(/after the flood/, { timeout: 40_000 });
  } finally {
    await after.stop();
  }
});

test("offline in the middle of a talk: five hundred messages later all are there, once, in order", async ({
  alice,
  bob,
  expectedFaults,
}) => {
  expectedFaults.push(/net::ERR_INTERNET_DISCONNECTED/);
  test.setTimeout(240_000);
  const room = await alice.makeRoom(unique("offline"));
  await bob.enterRoom(room);
  await alice.post("before");
  await alice.expectMessages("before");
  await bob.expectMessages("before");
  await alice.context.setOffline(true);
  await expect(alice.badge).toHaveText("Disconnected");
  await alice.post("from the tunnel");
  await expect(alice.badge).toHaveText("Disconnected · 1 unsent");
  await expect(alice.page.getByText("Waiting for the connection…")).toBeVisible();
  const many = Array.from({ length: 500 }, (_, index) => `message ${index + 1}`);
  await bob.postByRequest(room, ...many);
  await alice.context.setOffline(false);
  await alice.expectMessages("before", ...many, "from the tunnel");
  await expect(alice.page.locator(".messages > li").nth(1)).toHaveText("New since you left");
  await expect(alice.badge).toHaveText("Connected");
  await bob.expectMessages("before", ...many, "from the tunnel");
});

test("what was not said survives a reload, and a closed tab, and is said once, in order", async ({ alice, bob }) => {
  let isMute = true;
  await alice.context.routeWebSocket("/ws", (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      if (!(isMute && message.toString().includes('"type":"post"'))) server.send(message);
    });
  });
  const room = await alice.makeRoom(unique("outbox"));
  await bob.enterRoom(room);
  for (const text of ["one", "two", "three"]) await alice.post(text);
  await expect(alice.page.locator('.message[data-state="pending"]')).toHaveCount(3);
  await alice.page.reload();
  await expect(alice.messages.locator(".message__text")).toHaveText(["one", "two", "three"]);
  await expect(alice.page.locator('.message[data-state="pending"]')).toHaveCount(3);
  const later = await alice.anotherTab();
  await alice.page.close();
  isMute = false;
  await later.enterRoom(room);
  await later.expectMessages("one", "two", "three");
  await bob.expectMessages("one", "two", "three");
  await later.page.reload();
  await later.expectMessages("one", "two", "three");
});

test("a server that crashes and comes back is hardly noticed", async ({ somebody, expectedFaults }) => {
  expectedFaults.push(/net::ERR_|WebSocket connection to/);
  const own = await Server.start();
  try {
    const [alice, bob] = [await somebody({ baseURL: own.url }), await somebody({ baseURL: own.url })];
    await alice.enterRoom("general");
    await bob.enterRoom("general");
    await alice.post("before");
    await alice.expectMessages("before");
    await bob.expectMessages("before");
    const back = own.crash();
    await alice.post("meanwhile");
    await back;
    await alice.expectMessages("before", "meanwhile");
    await bob.expectMessages("before", "meanwhile");
    await bob.post("after");
    await alice.expectMessages("before", "meanwhile", "after");
  } finally {
    await own.stop();
  }
});
