// Clients of Socket.IO beside pages, by the official library: the seed's whole scenario, the same rooms as the pages',
// and nothing lost however often a client is cut.
import type { Socket } from "socket.io-client";
import { Cutter } from "../support/cutter.ts";
import { Server } from "../support/server.ts";
import { becomeSomebody, type Message, open, resumingClient, seedClient, TRANSPORTS } from "../support/socket-io.ts";
import { expect, test } from "../support/test.ts";

const SECONDS = Number(process.env.IDOBATA_SOCKET_IO_SECONDS ?? 15);

/** Connects. What is said before that would be sent first, before the join. */
const comeIn = (socket: Socket) =>
  new Promise<void>((resolve) => {
    socket.once("connect", () => resolve());
    socket.connect();
  });

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`the seed's client runs unchanged over ${name}`, async ({ server }) => {
    const [alice, bob] = [await becomeSomebody(server.url, "alice"), await becomeSomebody(server.url, "bob")];
    const sockets = [alice, bob].map(({ token }) => open(server.url, transports, { auth: { token }, autoConnect: false }));
    const [first, second] = sockets.map(seedClient);
    const texts = ({ heard }: typeof first) => heard.messages.map(({ user, text }) => `${user}: ${text}`);
    const unique = crypto.randomUUID();
    try {
      await comeIn(sockets[0]);
      const say = (socket: Socket, room: string, text: string) =>
        socket.timeout(10_000).emitWithAck("message", { room, text: `${text} ${unique}`, user: "somebody else" });
      expect(await say(sockets[0], "general", "one")).toMatchObject({ room: "general", offset: expect.any(Number), timestamp: expect.any(Number), id: expect.any(String) });
      await expect.poll(() => texts(first)).toEqual([`alice: one ${unique}`]);

      await comeIn(sockets[1]);
      await expect.poll(() => first.heard.joined).toEqual([bob.user.id]);
      sockets[1].emit("message", { room: "general", text: `two ${unique}` });
      for (const client of [first, second]) await expect.poll(() => texts(client).at(-1)).toBe(`bob: two ${unique}`);
      expect(texts(second), "who comes later hears what comes later").toEqual([`bob: two ${unique}`]);
      expect(first.heard.messages[1]).toMatchObject({ room: "general", user_id: bob.user.id, offset: first.heard.messages[0].offset + 1 });
      expect(Math.abs(Date.now() - first.heard.messages[1].timestamp)).toBeLessThan(60_000);

      second.switchRoom("tech");
      await expect.poll(() => first.heard.left).toEqual([bob.user.id]);
      await say(sockets[1], "tech", "three");
      await expect.poll(() => texts(second).at(-1)).toBe(`bob: three ${unique}`);
      second.switchRoom("general");
      await expect.poll(() => first.heard.joined).toEqual([bob.user.id, bob.user.id]);
      await say(sockets[1], "general", "four");
      await expect.poll(() => texts(first).slice(1)).toEqual([`bob: two ${unique}`, `bob: four ${unique}`]);

      if (!transports) await expect.poll(() => sockets.map((socket) => socket.io.engine.transport.name)).toEqual(["websocket", "websocket"]);
      sockets[1].disconnect();
      await expect.poll(() => first.heard.left).toEqual([bob.user.id, bob.user.id]);
    } finally {
      sockets.forEach((socket) => socket.disconnect());
    }
  });

  test(`without a valid token nobody comes in over ${name}`, async ({ server }) => {
    for (const auth of [{}, { token: "nonsense" }, { token: 7 }]) {
      for (const namespace of ["/", "/events"]) {
        const socket = open(server.url + namespace, transports, { auth });
        const error = await new Promise<Error>((resolve) => socket.once("connect_error", resolve));
        socket.disconnect();
        expect(error.message).toBe("Authentication error");
      }
    }
  });

  test(`bad input is answered, and stored nowhere, over ${name}`, async ({ server }) => {
    const { token } = await becomeSomebody(server.url, "alice");
    const socket = open(server.url, transports, { auth: { token } });
    const ask = (event: string, ...data: unknown[]) => socket.timeout(10_000).emitWithAck(event, ...data);
    const room = "random";
    try {
      const { head } = await ask("join-room", room);
      for (const [event, data, code] of [
        ["message", undefined, "bad_frame"],
        ["message", { text: "no room" }, "bad_frame"],
        ["message", { room, text: Buffer.from("bytes") }, "bad_frame"],
        ["message", { room, text: "x".repeat(100_000) }, "text_too_long"],
        ["message", { room: "nowhere", text: "hello" }, "unknown_room"],
        ["join-room", { room, after: "yesterday" }, "bad_cursor"],
        ["shout", "hello", "unknown_frame"],
      ] as const) {
        expect(await ask(event, data), `${event} ${code}`).toMatchObject({ error: { code, message: expect.any(String) } });
      }
      const rejected = new Promise((resolve) => socket.once("rejected", resolve));
      socket.emit("shout", "hello");
      expect(await rejected).toMatchObject({ code: "unknown_frame" });
      expect(await ask("join-room", { room })).toMatchObject({ head, recovered: true });
    } finally {
      socket.disconnect();
    }
  });
}

test("a page and two clients of Socket.IO talk in one room", async ({ alice, server }) => {
  const room = await alice.makeRoom(`one ${crypto.randomUUID().slice(0, 8)}`);
  const people = await Promise.all(["bob", "carol"].map((name) => becomeSomebody(server.url, name)));
  const sockets = people.map(({ token }, index) => open(server.url, [["websocket"], ["polling"]][index], { auth: { token } }));
  const heard = sockets.map((socket) => {
    const texts: string[] = [];
    socket.on("message", ({ user, text }: Message) => texts.push(`${user}: ${text}`));
    return texts;
  });
  try {
    const [bob, carol] = sockets.map((socket) => socket.timeout(10_000));
    await bob.emitWithAck("join-room", room);
    const { members } = await carol.emitWithAck("join-room", room);
    expect(members.map(({ name }: { name: string }) => name).sort()).toEqual(["alice", "bob", "carol"]);
    await alice.expectPeople(/alice/, "bob", "carol");
    await bob.emitWithAck("message", { room, text: "from a socket" });
    await carol.emitWithAck("message", { room, text: "from a poll" });
    await alice.post("from a page");
    await alice.expectMessages("from a socket", "from a poll", "from a page");
    for (const texts of heard) await expect.poll(() => texts).toEqual(["bob: from a socket", "carol: from a poll", "alice: from a page"]);
    sockets[1].disconnect();
    await alice.expectPeople(/alice/, "bob");
  } finally {
    sockets.forEach((socket) => socket.disconnect());
  }
});

test("the feed is a namespace, resumed from a cursor", async ({ server }) => {
  const { token } = await becomeSomebody(server.url, "alice");
  const channel = `c${crypto.randomUUID().slice(0, 8)}`;
  const seen: { text: string; cursor: string }[] = [];
  const socket = open(`${server.url}/events`, undefined, { auth: (say) => say({ token, channels: [channel], after: seen.at(-1)?.cursor }) });
  socket.on("event", (event) => seen.push(event));
  const connected = () => new Promise((resolve) => socket.once("connected", resolve));
  try {
    await connected();
    await server.publish(channel, "one");
    await expect.poll(() => seen.map(({ text }) => text)).toEqual(["one"]);
    const isBack = connected(); // it may be before the publication is answered
    socket.io.engine.close(); // as a cut does
    await server.publish(channel, "two");
    await isBack;
    await server.publish(channel, "three");
    await expect.poll(() => seen.map(({ text }) => text)).toEqual(["one", "two", "three"]);
  } finally {
    socket.disconnect();
  }
});

test("a client that is cut again and again has the whole log at the end, each message once", async () => {
  test.setTimeout(SECONDS * 1_000 + 300_000);
  // A client that is cut in the middle of its change from polls to a WebSocket notices by its heartbeat: 25 s + 20 s.
  const timeout = 60_000;
  // Each cut is a new connection and a join; those that polled are noticed only when their heartbeat is missed.
  const env = { IDOBATA_LIMIT_JOINS: "off", IDOBATA_MAX_CONNECTIONS_PER_PERSON: "off", IDOBATA_MAX_CONNECTIONS_PER_ADDRESS: "off" };
  const server = await Server.start({ env });
  const cutter = await Cutter.start(server.url);
  const room = "general";
  const reconnection = { reconnectionDelay: 10, reconnectionDelayMax: 100, timeout: 2_000 };
  const clients = await Promise.all(
    Object.entries(TRANSPORTS).map(async ([name, transports]) => {
      const { token } = await becomeSomebody(server.url, name);
      const client = { name, socket: open(cutter.url, transports, { auth: { token }, ...reconnection }), list: [] as string[], connects: 0 };
      const cursors = resumingClient(client.socket, room, ({ offset, text }) => client.list.push(`${offset} ${text}`));
      client.socket.on("connect", () => (client.connects += 1));
      await expect.poll(() => cursors[room], { message: "nobody lacks what was said before", timeout }).toBeTruthy();
      return client;
    }),
  );
  const speaker = await becomeSomebody(server.url, "speaker");
  const speaking = open(server.url, ["websocket"], { auth: { token: speaker.token } });
  const log: string[] = [];
  const say = async (text: string) => {
    const { offset } = await speaking.timeout(10_000).emitWithAck("message", { room, text });
    log.push(`${offset} ${text}`);
  };
  try {
    // One that waits for its heartbeat is not cut meanwhile, so the talk goes on until all were.
    const areCut = () => clients.every(({ connects }) => connects > SECONDS / 5);
    for (let end = Date.now() + SECONDS * 1_000, number = 1; Date.now() < end || !areCut(); number += 1) {
      await say(`message ${number}`);
      if (number % 20 === 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
    }
    cutter.calm();
    await say("the last");
    for (const { name, list } of clients) {
      await expect.poll(() => list.at(-1), { message: name, timeout }).toBe(log.at(-1));
      expect(list, name).toEqual(log);
    }
    const connects = clients.map(({ name, connects }) => `${connects} connections by ${name}`).join(", ");
    console.log(`${log.length} messages, ${cutter.cuts} cuts, ${connects}: every list is the log`);
    for (const { name, connects } of clients) expect(connects, `${name} was cut`).toBeGreaterThan(SECONDS / 5);
  } finally {
    [speaking, ...clients.map(({ socket }) => socket)].forEach((socket) => socket.disconnect());
    await cutter.stop();
    await server.stop();
  }
});
