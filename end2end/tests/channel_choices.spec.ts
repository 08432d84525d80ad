// Pinned and muted channels: first in the lists, and left out of the feed, until one takes it back.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;

test("one mutes a channel, hears no more of it in the feed while others do, and takes it back", async ({ alice, bob, server }) => {
  const [noise, calm] = [unique("noise"), unique("calm")];
  await server.publish(noise, "a lot of it");
  await server.publish(calm, "look here");
  await alice.page.goto("/feed");
  await alice.page.getByRole("button", { name: `Mute: ${noise}` }).click();
  await expect(alice.page.getByRole("button", { name: `Unmute: ${noise}` }).first()).toBeVisible();
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  for (const person of [alice, bob]) {
    await person.open("/");
    await expect(person.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
  }
  await server.publish(noise, "more of it");
  await server.publish(calm, "here again");
  const list = (page: typeof alice.page) => page.locator(".notifications");
  for (const { page } of [alice, bob]) await expect(list(page)).toContainText("here again");
  await expect(list(bob.page)).toContainText("more of it");
  await expect(list(alice.page)).not.toContainText("of it");
  await alice.page.getByRole("link", { name: "1 channel is muted" }).click();
  await alice.page.getByRole("button", { name: `Unmute: ${noise}` }).first().click();
  await alice.open("/");
  await expect(list(alice.page)).toContainText("more of it");
  await expect(alice.page.getByText("is muted")).toHaveCount(0);
});

test("a pinned channel stands first in the sidebar, also without a script", async ({ somebody, server }) => {
  const [first, last] = [`a-${unique("pin")}`, `z-${unique("pin")}`];
  for (const channel of [first, last]) await server.publish(channel, "x");
  const { page } = await somebody({ javaScriptEnabled: false });
  await page.goto("/feed");
  await page.getByRole("button", { name: `Pin: ${last}` }).click();
  await page.goto("/");
  await expect(page.locator(".section--channels li").first()).toHaveText(last);
});
