// The card of a person: opened from their name, it says who they are to those who share a room with them, and leads to writing
// to them.
import { AxeBuilder } from "@axe-core/playwright";
import type { Person } from "../support/people.ts";
import { expect, named, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

async function idOf(person: Person): Promise<string> {
  return (await (await person.context.request.get("/api/session")).json()).user.id;
}

test("from a name in the room one gets to the person's card, and from there to writing to them", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("cards"));
  await bob.post("hello");
  await bob.expectMessages("hello");
  await alice.enterRoom(room);
  await alice.messages.first().getByRole("link", { name: "bob", exact: true }).click();
  await expect(alice.page.locator("h1")).toContainText("bob");
  await expect(alice.page).toHaveTitle("bob · Idobata");
  await expect(alice.page.locator(".card__facts")).toContainText(/Here since\s*\d{4}-\d\d-\d\d/);
  await expect(alice.page.locator(".card__facts")).toContainText("here now");
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  await alice.page.getByRole("button", { name: "Write a message" }).press("Enter");
  await expect(alice.page.locator("main h1")).toHaveText("bob");
  await alice.expectConnected();
  await alice.post("only you");
  await bob.page.locator(".navigation").getByRole("link", { name: "alice", exact: true }).click();
  await bob.expectMessages("only you");
  await bob.expectConnected();
  // The list of people, by the keyboard, and a mention lead there, too.
  await bob.page.locator(".people__list").getByRole("link", { name: "alice" }).press("Enter");
  await expect(bob.page.locator("h1")).toContainText("alice");
  await bob.enterRoom(room);
  await bob.post("what does @alice think?");
  await bob.messages.last().locator(".mention").click();
  await expect(bob.page.locator("h1")).toContainText("alice");
});

test("whoever is blocked writes no more until they are unblocked, without a script as well", async ({ alice, bob, somebody, expectedFaults }) => {
  for (const person of [alice, bob]) await person.enterRoom("general");
  const plain = await somebody({ javaScriptEnabled: false, storageState: await bob.context.storageState() });
  await plain.page.goto(`/people/${await idOf(alice)}`);
  await plain.page.getByRole("button", { name: "Block", exact: true }).click();
  await expect(plain.page.getByRole("button", { name: "Unblock" })).toBeVisible();
  await expect(plain.page.getByRole("button", { name: "Write a message" })).toHaveCount(0);
  expectedFaults.push(/403 .*\/people\//, /status of 403/);
  await alice.page.goto(`/people/${await idOf(bob)}`);
  await alice.page.getByRole("button", { name: "Write a message" }).click();
  await expect(alice.page.locator(".note").filter({ hasText: "You and this person cannot write to each other." })).toBeVisible();
  await plain.page.getByRole("button", { name: "Unblock" }).click();
  await alice.page.getByRole("button", { name: "Write a message" }).click();
  await expect(alice.page.locator("main h1")).toHaveText("bob");
  await alice.expectConnected();
  await alice.post("there you are");
  await alice.expectMessages("there you are");
  await plain.page.getByRole("button", { name: "Write a message" }).click();
  await expect(plain.page.locator(".message__text")).toHaveText(["there you are"]);
});

test("a conversation in which one is blocked later says so and keeps what was said", async ({ alice, bob, expectedFaults }) => {
  for (const person of [alice, bob]) await person.enterRoom("general");
  await alice.page.goto(`/people/${await idOf(bob)}`);
  await alice.page.getByRole("button", { name: "Write a message" }).click();
  await alice.expectConnected();
  await alice.post("before");
  await alice.expectMessages("before");
  expect((await bob.context.request.put(`/api/user/blocked/${await idOf(alice)}`)).status()).toBe(204);
  expectedFaults.push(/403/);
  await alice.post("after");
  await expect(alice.page.getByText("You and this person cannot write to each other.").first()).toBeVisible();
  await expect(alice.messages.first()).toContainText("before");
});

test("カードは日本語でも、電話でも読め、部屋を共にしない人には見えない", async ({ alice, somebody, expectedFaults }) => {
  const hanako = await named(await somebody({ locale: "ja-JP", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }), "花子");
  const hidden = await named(await somebody(), "hidden");
  for (const person of [alice, hanako]) await person.enterRoom("general");
  await hanako.page.goto(`/people/${await idOf(alice)}`);
  await expect(hanako.page.locator(".card__facts")).toContainText("オンライン");
  await expect(hanako.page.getByRole("button", { name: "メッセージを送る" })).toBeVisible();
  expect((await new AxeBuilder({ page: hanako.page }).analyze()).violations).toEqual([]);
  expect(await hanako.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  await hanako.page.goto(`/people/${await idOf(hanako)}`);
  await expect(hanako.page.locator("h1")).toContainText("花子");
  await expect(hanako.page.locator("main form"), "nobody writes to themselves").toHaveCount(0);
  expectedFaults.push(/404 .*\/people\//, /status of 404/);
  await hanako.page.goto(`/people/${await idOf(hidden)}`);
  await expect(hanako.page.locator("main")).not.toContainText("hidden");
});
