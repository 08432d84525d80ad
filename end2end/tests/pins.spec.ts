// Pinned messages: what a room wants everybody to find is in its header, for those who are there and for those who come.
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator } from "@playwright/test";
import { openMenu, type Person } from "../support/people.ts";
import { expect, named, test as base } from "../support/test.ts";

/** A browser without a network says so. */
const test = base.extend({ expectedFaults: async ({}, use) => use([/ERR_INTERNET_DISCONNECTED/]) });

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const line = (person: Person, text: string) => person.messages.filter({ has: person.page.getByText(text, { exact: true }) });
const pinsButton = (person: Person) => person.page.locator(".pins-button");
const pins = (person: Person) => person.page.locator(".pins .pin__text");

/** Chooses an entry of the menu of a message. */
async function choose(person: Person, message: Locator, name: string) {
  const menu = await openMenu(person.page, message);
  await menu.getByRole("button", { name }).click();
}

test("what alice pins is in the header of the room for bob, who jumps there, and takes it off", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("pins"));
  await alice.enterRoom(room);
  await expect(pinsButton(alice), "nothing is pinned").toHaveCount(0);
  await bob.post("we meet at the well");
  await bob.post("bring water");
  await choose(alice, line(alice, "we meet at the well"), "Pin to the room");
  await expect(line(alice, "we meet at the well").locator(".message__pinned")).toBeVisible();
  await expect(pinsButton(bob)).toHaveAccessibleName("Pinned messages: 1");
  await choose(bob, line(bob, "bring water"), "Pin to the room");
  await expect(pinsButton(alice)).toHaveAccessibleName("Pinned messages: 2");
  await pinsButton(alice).click();
  await expect(pins(alice), "the newest first").toHaveText(["bring water", "we meet at the well"]);
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  await pins(alice).last().click();
  await expect(alice.page.locator(".message[aria-current] .message__text")).toHaveText("we meet at the well");
  await expect(pins(alice).first(), "the list closes").toBeHidden();
  await alice.expectConnected();
  await choose(alice, line(alice, "we meet at the well"), "Unpin");
  await expect(pinsButton(bob)).toHaveAccessibleName("Pinned messages: 1");
  await expect(line(alice, "we meet at the well").locator(".message__pinned")).toHaveCount(0);
  await choose(bob, line(bob, "bring water"), "Delete");
  await expect(pinsButton(alice), "a deleted message is pinned no more").toHaveCount(0);
});

test("a message that is not on bob's page is pinned while he is cut off", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("pins"));
  await bob.post("the rules");
  await bob.postByRequest(room, ...Array.from({ length: 120 }, (_, index) => `message ${index}`));
  const rules = await alice.context.request.get(`/api/rooms/${room}/messages?around=1`);
  expect((await rules.json()).messages[0].text).toBe("the rules");
  await alice.enterRoom(room);
  await bob.page.reload();
  await bob.expectConnected();
  await expect(line(bob, "the rules"), "it is too old to be on the page").toHaveCount(0);
  await bob.context.setOffline(true);
  const data = { id: crypto.randomUUID(), kind: "pin" };
  expect((await alice.context.request.post(`/api/rooms/${room}/messages/1/changes`, { data })).status()).toBe(201);
  await expect(pinsButton(alice)).toHaveAccessibleName("Pinned messages: 1");
  await expect(pinsButton(bob)).toHaveCount(0);
  await bob.context.setOffline(false);
  await expect(pinsButton(bob)).toHaveAccessibleName("Pinned messages: 1", { timeout: 40_000 });
  await pinsButton(bob).click();
  await expect(pins(bob)).toHaveText(["the rules"]);
  await bob.page.reload();
  await pinsButton(bob).click();
  await expect(pins(bob), "for who comes later").toHaveText(["the rules"]);
});

test("a message is pinned, and its pin followed, by the keyboard alone", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("pins"));
  await alice.enterRoom(room);
  await bob.post("the well");
  const press = async (key: string, until: Locator) => {
    await expect(async () => {
      await alice.page.keyboard.press(key);
      await expect(until).toBeFocused({ timeout: 100 });
    }).toPass();
  };
  await expect(line(alice, "the well")).toBeVisible();
  await alice.expectConnected();
  await alice.composer.focus();
  await press("Shift+Tab", line(alice, "the well").getByRole("link", { name: /^Actions/ }));
  await alice.page.keyboard.press("Enter");
  await press("Tab", alice.page.locator(".message-menu").getByRole("button", { name: "Pin to the room" }));
  await alice.page.keyboard.press("Enter");
  await expect(pinsButton(bob)).toHaveAccessibleName("Pinned messages: 1");
  await press("Shift+Tab", pinsButton(alice));
  await alice.page.keyboard.press("Enter");
  await press("Tab", alice.page.locator(".pin"));
  await alice.page.keyboard.press("Enter");
  await expect(alice.page.locator(".message[aria-current] .message__text")).toHaveText("the well");
  await expect(alice.page.locator(".message[aria-current]")).toBeFocused();
});

test("without JavaScript, in Japanese and on a phone, a message is pinned by a form and found in the header", async ({ bob, somebody }) => {
  const room = await bob.makeRoom(unique("pins"));
  await bob.post("集合は九時です");
  const options = { javaScriptEnabled: false, locale: "ja-JP", viewport: { width: 360, height: 740 } };
  const plain = await named(await somebody(options), "花子");
  await plain.page.goto(`/rooms/${room}`);
  await plain.messages.first().getByRole("link", { name: /^操作/ }).click();
  await plain.page.getByRole("button", { name: "ルームにピン留め" }).click();
  await expect(pinsButton(bob)).toHaveAccessibleName("Pinned messages: 1");
  await expect(pinsButton(plain)).toHaveAccessibleName("ピン留めしたメッセージ: 1");
  await pinsButton(plain).click();
  await expect(pins(plain)).toHaveText(["集合は九時です"]);
});
