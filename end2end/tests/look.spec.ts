// What holds for every page: it fits a phone, a keyboard is enough, and a screen reader finds its way.
import type { Locator } from "@playwright/test";
import { Server } from "../support/server.ts";
import { expect, named, test } from "../support/test.ts";

const PAGES = ["/", "/rooms/general"];

test("on a phone everything is there and nothing is cut off", async ({ somebody }) => {
  const phone = await somebody({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  for (const path of PAGES) {
    await phone.open(path);
    const overflow = await phone.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${path} scrolls sideways`).toBe(0);
    await phone.page.getByRole("button", { name: "Menu" }).click();
    for (const name of ["general", "tech", "random"]) {
      await expect(phone.page.getByRole("link", { name, exact: true })).toBeVisible();
    }
    await phone.openMenu();
    await expect(phone.page.getByLabel("Your name")).toBeVisible();
    await phone.page.keyboard.press("Escape");
    await expect(phone.page.getByLabel("Your name")).toBeHidden();
    await phone.page.keyboard.press("Escape");
    await expect(phone.page.getByRole("link", { name: "general", exact: true })).toBeHidden();
  }
  await expect(phone.composer).toBeInViewport();
  await expect(phone.page.getByRole("button", { name: "Send" })).toBeInViewport({ ratio: 1 });
  await phone.page.getByRole("button", { name: "Show people" }).click();
  await expect(phone.page.getByRole("heading", { name: /People here/ })).toBeVisible();
  await phone.page.keyboard.press("Escape");
  await phone.page.getByRole("button", { name: "Menu" }).click();
  await phone.feedLink.click();
  await expect(phone.page.getByLabel("Your name"), "the drawer closes with a choice").toBeHidden();
  await expect(phone.page.getByRole("heading", { name: "Feed", level: 1 })).toBeInViewport();
  await phone.page.getByText("This server", { exact: true }).click();
  await expect(phone.page.locator('.value-card[data-channel="server"]')).toBeVisible();
  await phone.page.goBack();
  await phone.post("from the train");
  await expect(phone.messages.last()).toContainText("from the train");
});

// On a server of its own: among the rooms of other stories the way would be as long as they are many.
test("the keyboard alone is enough to talk", async ({ somebody }) => {
  const own = await Server.start();
  try {
    const alice = await named(await somebody({ baseURL: own.url }), "alice");
    await alice.open("/");
    await alice.page.keyboard.press("Tab");
    await expect(alice.page.getByRole("link", { name: "Skip to content" })).toBeFocused();
    const tabTo = async (target: Locator) => {
      for (let key = 0; key < 40; key += 1) {
        if (await target.evaluate((element) => element === document.activeElement)) return;
        await alice.page.keyboard.press("Tab");
      }
      throw new Error("the Tab key does not lead there");
    };
    await tabTo(alice.page.getByRole("link", { name: "general" }));
    await alice.page.keyboard.press("Enter");
    await alice.expectConnected();
    await tabTo(alice.page.getByRole("link", { name: "Skip to content" }));
    await alice.page.keyboard.press("Enter");
    await expect(alice.page.locator("#content")).toBeFocused();
    await tabTo(alice.composer);
    const text = `typed ${crypto.randomUUID()}`;
    await alice.page.keyboard.type(text);
    await alice.page.keyboard.press("Tab");
    await expect(alice.page.getByRole("button", { name: "Send" })).toBeFocused();
    await alice.page.keyboard.press("Enter");
    await expect(alice.messages.last()).toContainText(text);
  } finally {
    await own.stop();
  }
});

test("messages and notices are told to screen readers, values are not", async ({ alice }) => {
  await alice.open("/");
  await expect(alice.page.getByRole("log", { name: "Notifications" })).toHaveAttribute("aria-live", "polite");
  expect(await alice.page.locator(".value-cards").locator("[aria-live], [role=log], [role=status]").count()).toBe(0);
  await alice.enterRoom("general");
  await expect(alice.page.getByRole("log", { name: "Messages" })).toHaveAttribute("aria-live", "polite");
});
