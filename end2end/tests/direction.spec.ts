// Texts of every direction, in every place where a text stands: each runs its own way and turns no other around.
import { expect, test } from "../support/test.ts";

const ARABIC = "مرحبا بالعالم";
const HEBREW = "שלום";

test("each message runs in its own direction, and a name turns nothing around", async ({ somebody, bob }) => {
  const room = await bob.makeRoom(`${HEBREW} ${crypto.randomUUID().slice(0, 8)}`);
  const amira = await somebody();
  await amira.context.request.post("/api/session", { data: { name: ARABIC } });
  await amira.enterRoom(room);
  await amira.post(ARABIC);
  await bob.post("hello");
  for (const person of [amira, bob]) {
    await expect(person.messages.locator(".message__text").nth(0)).toHaveCSS("direction", "rtl");
    await expect(person.messages.locator(".message__text").nth(1)).toHaveCSS("direction", "ltr");
    await expect(person.messages.locator(".message__user bdi").first()).toHaveText(ARABIC);
    // The time stays behind the name.
    const [name, time] = [await person.messages.locator(".message__user").first().boundingBox(), await person.messages.locator("time").first().boundingBox()];
    expect(time!.x).toBeGreaterThan(name!.x + name!.width - 1);
    await expect(person.page.locator(".people__list bdi", { hasText: ARABIC })).toBeVisible();
  }
  await amira.composer.fill(ARABIC);
  await expect(amira.composer).toHaveCSS("direction", "rtl");
  await amira.composer.fill("hello");
  await expect(amira.composer).toHaveCSS("direction", "ltr");
});

test("a notification runs in its own direction", async ({ alice, server }) => {
  await server.publish("ops", { title: HEBREW, text: `${ARABIC} ${crypto.randomUUID().slice(0, 8)}`, tags: [ARABIC] });
  await alice.open("/");
  const first = alice.page.locator(".notification").first();
  await expect(first.locator(".notification__title")).toHaveCSS("direction", "rtl");
  await expect(first.locator(".notification__text")).toHaveCSS("direction", "rtl");
  await expect(first.locator(".tags bdi")).toHaveText(ARABIC);
});

test("marks that are piled up stay on their own message", async ({ alice, bob }) => {
  const room = await bob.makeRoom(`zalgo ${crypto.randomUUID().slice(0, 8)}`);
  await bob.post("above");
  await bob.post(`z${"\u0310\u0311\u0312\u0313".repeat(40)}algo`);
  await bob.post("below");
  await alice.enterRoom(room);
  await expect(alice.messages).toHaveCount(3);
  for (const text of await alice.messages.locator(".message__text").all()) {
    await expect(text).toHaveCSS("overflow-y", "clip");
  }
});
