// What a push service gets, and what a device reads of it by other code than the server's.
import { claims, PushService } from "../support/push_service.ts";
import { Server } from "../support/server.ts";
import { expect, named, test as base } from "../support/test.ts";

const test = base.extend<{ service: PushService; house: Server; patience: string }>({
  patience: ["1s", { option: true }],
  service: async ({}, use) => {
    const service = await PushService.start();
    await use(service);
    service.stop();
  },
  house: async ({ patience }, use) => {
    const house = await Server.start({ env: { IDOBATA_PUSH_NETWORKS: "127.0.0.0/8", IDOBATA_PUSH_WAIT: patience } });
    await use(house);
    await house.stop();
  },
});

test("bob's closed browser reads what alice wrote to him, and the service between them reads nothing", async ({ house, service, somebody }) => {
  const alice = await named(await somebody({ baseURL: house.url }), "alice");
  const bob = await named(await somebody({ baseURL: house.url }), "bob");
  await bob.enterRoom("general");
  const phone = service.device("phone");
  const made = await bob.context.request.post("/api/push/subscriptions", { data: { ...phone.subscription, language: "ja" } });
  expect(made.status()).toBe(201);
  const { public_key: key } = await (await bob.context.request.get("/api/push")).json();
  await bob.page.close();
  await alice.enterRoom("general");
  await alice.post("nothing for anybody");
  await alice.post("@bob 昼は？ " + "a long sentence of it, ".repeat(40));
  await expect.poll(() => service.devices).toEqual(["phone"]);
  const [push] = service.pushes;
  const read = phone.read(push!);
  expect(read).toMatchObject({ title: "aliceさんがあなたをメンションしました（general）", lang: "ja", dir: "auto" });
  expect(read.body).toMatch(/^@bob 昼は？ a long sentence of it/);
  expect(read.url).toMatch(/^\/rooms\/general\/\d+$/);
  // By its headers the service knows for how long, how urgent and who asks; its size is one of few.
  expect(push!.headers).toMatchObject({ "content-encoding": "aes128gcm", urgency: "high", topic: expect.stringMatching(/^[\w-]{32}$/) });
  expect(Number(push!.headers.ttl)).toBeGreaterThan(80_000);
  expect(push!.body.length % 512).toBe((16 + 4 + 1 + 65 + 1 + 16) % 512);
  expect(claims(push!, key).aud).toBe(service.origin);
  const readable = JSON.stringify(push!.headers) + push!.body.toString("latin1");
  for (const secret of ["bob", "alice", "general", "sentence"]) expect(readable).not.toContain(secret);
  // The tap of the notification opens the message.
  const page = await bob.context.newPage();
  await page.goto(read.url);
  await expect(page.locator(".message").filter({ hasText: "昼は？" })).toBeInViewport();
});

// A busy machine takes a while to show a message and to note that it was read.
test.describe("with patience", () => {
  test.use({ patience: "8s" });

  test("what bob has read until then is not pushed", async ({ house, service, somebody }) => {
    const alice = await named(await somebody({ baseURL: house.url }), "alice");
    const bob = await named(await somebody({ baseURL: house.url }), "bob");
    await bob.enterRoom("general");
    const phone = service.device("phone");
    await bob.context.request.post("/api/push/subscriptions", { data: { ...phone.subscription, language: "en" } });
    await alice.enterRoom("general");
    await alice.post("@bob you see this");
    await expect(bob.page.getByText("you see this")).toBeVisible();
    // It is read when the server knows it, which it tells every device of his.
    await expect.poll(async () => {
      const { rooms } = await (await bob.context.request.get("/api/user")).json();
      return rooms.find(({ room }: { room: string }) => room === "general");
    }).toMatchObject({ unread: 0 });
    await bob.open("/");
    await alice.post("@bob you do not");
    const read = () => service.pushes.map((push) => phone.read(push).body);
    await expect.poll(read, { timeout: 30_000 }).toEqual(["@bob you do not"]);
  });
});
