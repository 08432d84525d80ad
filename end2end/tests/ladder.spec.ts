// The transport ladder: rooms work fully on each rung, whatever stands between the browser and the server.
import { Proxy } from "../support/proxy.ts";
import type { Person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { expect, test as base } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

const test = base.extend<{ detour: Proxy }>({
  detour: async ({ server, expectedFaults }, use) => {
    // The browser itself says in the console that a socket was refused.
    expectedFaults.push(/WebSocket connection to/, /net::ERR_/, /^403 .*\/ws$/);
    const proxy = await Proxy.start(server.url);
    await use(proxy);
    await proxy.stop();
  },
});

/** Two people see each other come, type, talk and answer. */
async function expectTalk(alice: Person, bob: Person, round: string) {
  await expect(alice.page.locator(".people__list li")).toHaveCount(2);
  await expect(bob.page.locator(".people__list li")).toHaveCount(2);
  const said = await alice.messages.locator(".message__text").allTextContents();
  await alice.expectTypingSeenBy(bob, "is it");
  await alice.post(`${round}: is it raining?`);
  await bob.expectMessages(...said, `${round}: is it raining?`);
  await bob.expectTypingSeenBy(alice, "no");
  await bob.post(`${round}: no`);
  await alice.expectMessages(...said, `${round}: is it raining?`, `${round}: no`);
}

test("sockets blocked, then streams as well: the talk goes on by what works, and returns to the best", async ({
  detour,
  somebody,
  bob,
}) => {
  test.setTimeout(180_000);
  const alice = await somebody({ baseURL: detour.url });
  await alice.page.clock.install();
  const room = await bob.makeRoom(unique("ladder"));
  await alice.open(`/rooms/${room}`);
  await alice.expectTransport("stream");
  await expectTalk(alice, bob, "stream");

  // From now on streams are held back too: one that is new brings nothing.
  detour.holdsStreams = true;
  detour.cut();
  await alice.page.clock.fastForward(3_000);
  await expect(alice.badge).toHaveAttribute("data-transport", "stream");
  await expect(async () => {
    await alice.page.clock.fastForward(6_000);
    await alice.expectTransport("poll", 1_000);
  }).toPass();
  await expect(alice.page.locator(".ticker [data-transport=poll][data-connection=open]")).toBeVisible();
  await expectTalk(alice, bob, "poll");

  // Remembered: the next page does not try what is known not to work.
  await alice.page.reload();
  await alice.expectTransport("poll");

  // The way is free again: a probe finds out, rung by rung. Time passes in steps, each with a sign of life.
  detour.holdsStreams = false;
  detour.blocksSockets = false;
  for (const transport of ["stream", "socket"] as const) {
    let step = 0;
    await expect(async () => {
      step += 1;
      await alice.page.clock.fastForward(9_000);
      await bob.postByRequest(room, `${transport} tick ${step}`);
      await expect(alice.messages.last()).toHaveText(new RegExp(`${transport} tick ${step}$`));
      // A probe has five seconds of the page's clock, which must not be moved over them at once.
      await alice.expectTransport(transport, 500);
    }).toPass({ intervals: [0], timeout: 60_000 });
  }
  await expectTalk(alice, bob, "socket");
});

test("in another network the best transport is tried again at once", async ({ detour, somebody, bob }) => {
  const alice = await somebody({ baseURL: detour.url });
  const room = await bob.makeRoom(unique("network"));
  await alice.open(`/rooms/${room}`);
  await alice.expectTransport("stream");
  await alice.context.setOffline(true);
  await expect(alice.badge).toHaveText("Disconnected");
  detour.blocksSockets = false;
  await alice.context.setOffline(false);
  await alice.expectTransport("socket");
});

for (const transport of ["stream", "poll"] as const) {
  test(`forced to ${transport} by the address: a drop loses nothing`, async ({ detour, somebody, bob }) => {
    const alice = await somebody({ baseURL: detour.url });
    const room = await bob.makeRoom(unique(transport));
    await alice.open(`/rooms/${room}?transport=${transport}`);
    await alice.expectTransport(transport);
    await expectTalk(alice, bob, "before");
    await alice.context.setOffline(true);
    await expect(alice.badge).toHaveText("Disconnected");
    await alice.post("from the tunnel");
    await alice.post("and another");
    await expect(alice.badge).toHaveText("Disconnected · 2 unsent");
    await bob.post("meanwhile");
    await bob.expectMessages("before: is it raining?", "before: no", "meanwhile");
    await alice.context.setOffline(false);
    const said = ["before: is it raining?", "before: no", "meanwhile", "from the tunnel", "and another"];
    await alice.expectMessages(...said);
    await bob.expectMessages(...said);
    await alice.expectTransport(transport);
    // The choice holds for the tab.
    await alice.feedLink.click();
    await expect(alice.page.locator(`.feed-page [data-transport=${transport}][data-connection=open]`)).toBeVisible();
  });
}

test("a network that is back is not waited for as long as one that was away", async ({ detour, somebody, bob }) => {
  const alice = await somebody({ baseURL: detour.url });
  await alice.page.addInitScript(() => (Math.random = () => 0.99)); // the longest of each wait
  await alice.page.clock.install();
  const room = await bob.makeRoom(unique("wait"));
  await alice.open(`/rooms/${room}?transport=poll`);
  await alice.expectTransport("poll");
  let failed = 0;
  const isPoll = (url: URL) => url.pathname === `/api/rooms/${encodeURIComponent(room)}/messages`;
  alice.page.on("requestfailed", (request) => (failed += isPoll(new URL(request.url())) ? 1 : 0));
  await alice.context.setOffline(true);
  await expect(alice.badge).toHaveText("Disconnected");
  // Away until the waits have grown to their bound.
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    const before = failed;
    await expect(async () => {
      await alice.page.clock.fastForward(31_000);
      expect(failed).toBeGreaterThan(before);
    }).toPass();
  }
  // The browser says that it is back a moment before anything comes through.
  await alice.page.route(isPoll, (route) => route.abort("internetdisconnected"), { times: 1 });
  await alice.context.setOffline(false);
  await bob.post("there you are");
  await alice.expectMessages("there you are");
});

test("the server's setting decides for every page", async ({ somebody }) => {
  const own = await Server.start({ env: { IDOBATA_TRANSPORT: "poll" } });
  try {
    const [alice, bob] = [await somebody({ baseURL: own.url }), await somebody({ baseURL: own.url })];
    await alice.enterRoom("general");
    await bob.enterRoom("general");
    await alice.expectTransport("poll");
    await expectTalk(alice, bob, "by setting");
    expect(await own.connections()).toMatchObject({ socket: 0, stream: 0 });
    // Before their server, which a poll would not find any more.
    await Promise.all([alice, bob].map(({ page }) => page.close()));
  } finally {
    await own.stop();
  }
});

test("a peer that falls silent without a word is noticed, and nothing is missed", async ({ alice, bob }) => {
  await alice.page.clock.install();
  let sockets = 0;
  let isSilent = false;
  await alice.page.routeWebSocket("/ws", (socket) => {
    sockets += 1;
    const first = sockets === 1;
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (!(first && isSilent)) socket.send(message);
    });
  });
  const room = await alice.makeRoom(unique("silence"));
  await bob.enterRoom(room);
  await alice.expectPeople("alice", "bob");
  isSilent = true;
  await bob.post("can you hear me?");
  await bob.expectMessages("can you hear me?");
  await expect(alice.messages).toHaveCount(0);
  await expect(alice.badge).toHaveText("Connected");
  // Two looks for a sign of life: 44 s.
  await alice.page.clock.fastForward(22_000);
  await alice.page.clock.fastForward(22_000);
  await alice.expectMessages("can you hear me?");
  await expect(alice.badge).toHaveText("Connected");
  expect(sockets).toBe(2);
});
