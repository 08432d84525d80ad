// People on different nodes of one installation are in one room, also when a node is killed.
import type { Person } from "../support/people.ts";
import type { Server } from "../support/server.ts";
import { NODE_LOST, test } from "../support/nodes.ts";
import { expect } from "../support/test.ts";

/** Whom a node does not hear of for eight seconds it takes for gone; the machine is busy. */
const GONE_WITHIN = 20_000;

const sockets = async (node: Server) => (await node.connections()).socket;

/** The node that somebody's socket is at, and the other one. */
async function nodesOf(nodes: [Server, Server]): Promise<[Server, Server]> {
  const counts = await Promise.all(nodes.map(sockets));
  expect(sorted(counts), "one socket is open, at one of the nodes").toEqual([0, 1]);
  return counts[0] === 1 ? nodes : [nodes[1], nodes[0]];
}

const sorted = <T>(values: T[]) => [...values].sort();
const texts = (person: Person) => person.messages.locator(".message__text").allTextContents();

test("two people on two nodes talk, and see each other come, type and go", async ({ nodes, at }) => {
  const [alice, bob] = [await at(nodes[0], "alice"), await at(nodes[1], "bob")];
  await alice.keepSignsOfTyping();
  await alice.enterRoom("general");
  await alice.expectPeople(/alice \(you\)/);
  await bob.enterRoom("general");
  await bob.expectPeople("alice", /bob \(you\)/);
  await alice.expectPeople(/alice \(you\)/, "bob");
  await expect(alice.page.locator(".people__news")).toHaveText("bob joined");
  expect(await Promise.all(nodes.map(sockets)), "each is at a node of their own").toEqual([1, 1]);

  await alice.post("hello from the one node");
  await bob.expectMessages("hello from the one node");
  await bob.composer.pressSequentially("hello from");
  await expect(alice.page.locator(".composer__typing")).toHaveText("bob is typing…");
  await bob.post("hello from the other");
  await expect(alice.page.locator(".composer__typing")).toHaveText("");
  for (const person of [alice, bob]) {
    await person.expectMessages("hello from the one node", "hello from the other");
  }
  await nodes[1].publish("ops", "published at the other node");
  await expect(alice.page.locator(".ticker .notification")).toHaveText(/published at the other node/);

  await bob.page.getByRole("link", { name: "tech" }).click();
  await expect(alice.page.locator(".people__news")).toHaveText("bob left");
  await alice.expectPeople(/alice \(you\)/);
});

test("a page whose node is killed goes on at another, and nothing is lost or doubled", async ({ nodes, entrance, at, expectedFaults }) => {
  expectedFaults.push(...NODE_LOST);
  const alice = await at(entrance, "alice");
  await alice.enterRoom("general");
  const [hers, other] = await nodesOf(nodes);
  const bob = await at(other, "bob");
  await bob.enterRoom("general");
  // Of the killed node too, and she does not know another address.
  const carol = await at(hers, "carol");
  await carol.enterRoom("general");
  for (const person of [alice, bob]) await person.expectPeople("alice", "bob", "carol");
  await alice.post("before");
  await bob.expectMessages("before");

  const many = Array.from({ length: 60 }, (_, index) => `message ${index + 1}`);
  const talking = bob.postByRequest("general", ...many);
  await expect.poll(async () => (await texts(alice)).length, { intervals: [20] }).toBeGreaterThan(5);
  await hers.kill();
  await alice.post("from the killed node");
  await talking;
  await bob.post("after");

  await expect.poll(async () => sorted(await texts(bob))).toEqual(sorted(["before", ...many, "from the killed node", "after"]));
  const order = await texts(bob);
  expect(order.filter((text) => text.startsWith("message")), "what bob said is in his order").toEqual(many);
  await bob.expectMessages(...order);
  await alice.expectMessages(...order);
  await alice.expectConnected();
  await expect.poll(() => sockets(other)).toBe(2);
  for (const person of [alice, bob]) {
    await expect(person.page.locator(".people__list li", { hasText: "carol" })).toHaveCount(0, { timeout: GONE_WITHIN });
    await person.expectPeople("alice", "bob");
  }
  await alice.composer.pressSequentially("still");
  await expect(bob.page.locator(".composer__typing")).toHaveText("alice is typing…");
  await alice.post("still here");
  await bob.expectMessages(...order, "still here");
});

test("who is removed from a room at one node hears nothing more at another", async ({ nodes, at, expectedFaults }) => {
  expectedFaults.push(/404/);
  const [alice, bob] = [await at(nodes[0], "alice"), await at(nodes[1], "bob")];
  await alice.open("/");
  await alice.makePrivateRoom("secret");
  await alice.expectConnected();
  expect((await bob.page.goto("/rooms/secret"))!.status(), "it is not there for bob").toBe(404);
  await bob.enterRoom("general");
  // A guest is found by name while they are in a room, at whichever node.
  const members = await alice.anotherTab();
  await members.enterRoom("general");
  await members.expectPeople("alice", "bob");
  await members.page.goto("/rooms/secret/members");
  await members.page.getByLabel("Name", { exact: true }).fill("bob");
  await members.page.keyboard.press("Enter");
  await expect(members.page.locator(".row")).toHaveCount(2);
  // The other node is told, and that takes a moment.
  await expect.poll(async () => (await bob.page.goto("/rooms/secret"))!.status()).toBe(200);
  await bob.expectConnected();
  await alice.post("welcome");
  await bob.expectMessages("welcome");

  await members.page.getByRole("button", { name: "Remove: bob" }).click();
  await expect(members.page.locator(".row")).toHaveCount(1);
  await alice.post("bob is gone");
  await alice.expectMessages("welcome", "bob is gone");
  await expect(bob.page.getByRole("alert")).toBeVisible();
  await bob.expectMessages("welcome");
  expect((await bob.page.goto("/rooms/secret"))!.status()).toBe(404);
});
