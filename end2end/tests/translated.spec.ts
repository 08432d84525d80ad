// A translator of the browser changes the texts of a page that is live: what changes by itself goes on changing, and
// nothing dies.
import { expect, test } from "../support/test.ts";

const translators = {
  // As Chromium's does.
  "wraps each text": (text: Text) => {
    const [outer, inner] = [document.createElement("font"), document.createElement("font")];
    inner.textContent = `«${text.data}»`;
    outer.append(inner);
    text.replaceWith(outer);
  },
  // As Firefox' does.
  "puts another text in place of each": (text: Text) => text.replaceWith(`«${text.data}»`),
};

for (const [how, translate] of Object.entries(translators)) {
  test(`a page stays live under a translator that ${how}`, async ({ alice, bob, somebody, server, expectedFaults }) => {
    expectedFaults.push(/net::ERR_/);
    const room = await bob.makeRoom(`translated ${crypto.randomUUID().slice(0, 8)}`);
    await bob.post("before");
    await alice.enterRoom(room);
    await alice.keepSignsOfTyping();
    const translateAll = () =>
      alice.page.evaluate((translate) => {
        const walk = document.createTreeWalker(document.querySelector("#app")!, NodeFilter.SHOW_TEXT);
        const texts: Text[] = [];
        while (walk.nextNode()) {
          const text = walk.currentNode as Text;
          if (text.data.trim() && !text.parentElement!.closest("[translate=no], textarea, font")) texts.push(text);
        }
        texts.forEach(new Function(`return ${translate}`)() as (text: Text) => void);
      }, translate.toString());
    await translateAll();
    await expect(alice.page.locator(".navigation")).toContainText("«");

    await bob.post("after");
    await expect(alice.messages.locator(".message__text").last()).toHaveText("after");
    const carol = await somebody();
    await carol.enterRoom(room);
    await expect(alice.page.locator(".people__count")).toHaveText("3");
    await expect(alice.page.locator(".people__news")).toContainText("joined");
    await bob.expectTypingSeenBy(alice, "soon");
    await server.publish("lab", { type: "update", key: "volts", value: 1, unit: "V" });
    await expect(alice.page.locator('.ticker [data-channel="lab"] .series__value')).toHaveText("1.000 V");
    await translateAll();
    await server.publish("lab", { type: "update", key: "volts", value: 2, unit: "V" });
    await expect(alice.page.locator('.ticker [data-channel="lab"] .series__value')).toHaveText("2.000 V");

    await alice.context.setOffline(true);
    await alice.post("without a network");
    await expect(alice.badge).toHaveText(/Disconnected/);
    await expect(alice.page.locator(".message[data-state=pending]")).toBeVisible();
    await translateAll();
    await alice.context.setOffline(false);
    await expect(alice.badge).toHaveText("Connected");
    await expect(alice.page.locator(".message[data-state]")).toHaveCount(0);
    await expect(bob.messages.locator(".message__text").last()).toHaveText("without a network");

    await alice.page.locator(".navigation").getByRole("link", { name: /tech/ }).click();
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("tech");
    await alice.page.locator(".navigation").getByRole("link", { name: /Feed/ }).click();
    await expect(alice.page.locator(".feed-page")).toBeVisible();
    await translateAll();
    await alice.page.goBack();
    await alice.expectConnected();
  });
}
