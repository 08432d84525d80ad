// A translator of the browser changes the texts of a page that is live: what changes by itself goes on changing, and
// nothing dies.
import { expect, test } from "../support/test.ts";
import type { Person } from "../support/people.ts";

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
    await expect(alice.page.locator('.ticker [data-channel="lab"] .series__value')).toHaveText("1 V");
    await translateAll();
    await server.publish("lab", { type: "update", key: "volts", value: 2, unit: "V" });
    await expect(alice.page.locator('.ticker [data-channel="lab"] .series__value')).toHaveText("2 V");

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
    await alice.feedLink.click();
    await expect(alice.page.locator(".feed-page")).toBeVisible();
    await translateAll();
    await alice.page.goBack();
    await alice.expectConnected();
  });
}

const KINDS = ["wraps", "replaces"] as const;
type Kind = (typeof KINDS)[number];

/** Translates the page, what comes later too: every text stands in «» then. */
async function translate({ page }: Person, kind: Kind) {
  await page.evaluate((kind) => {
    const done = new WeakSet<Node>();
    const own = (text: string) => {
      const node = document.createTextNode(text);
      done.add(node);
      return node;
    };
    const isLeftAlone = (node: Node) => {
      const element = node.parentElement;
      return !element || done.has(element) || element.closest('[translate="no"], script, style, textarea, svg') !== null;
    };
    const pass = () => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const texts: Text[] = [];
      while (walker.nextNode()) texts.push(walker.currentNode as Text);
      for (const text of texts) {
        if (!text.data.trim() || done.has(text) || isLeftAlone(text)) continue;
        const translated = own(`«${text.data.trim()}»`);
        if (kind === "replaces") {
          text.replaceWith(translated);
          continue;
        }
        const [outer, inner] = [document.createElement("font"), document.createElement("font")];
        for (const font of [outer, inner]) done.add(font);
        inner.append(translated);
        outer.append(inner);
        text.replaceWith(outer);
      }
    };
    pass();
    document.documentElement.lang = "de";
    new MutationObserver(pass).observe(document.body, { childList: true, characterData: true, subtree: true });
  }, kind);
}

/** What a text may be: as we wrote it, or already translated; and nothing beside it. */
const said = (text: string) => new RegExp(`^«?${text}»?$`);

for (const kind of KINDS) {
  test(`a talk goes on on a page whose texts a translator ${kind}`, async ({ alice, bob, expectedFaults }) => {
    expectedFaults.push(/ERR_INTERNET_DISCONNECTED/); // what it is to be offline
    const room = await bob.makeRoom(`translated ${kind} ${crypto.randomUUID().slice(0, 8)}`);
    await alice.enterRoom(room);
    await alice.post("before the translator");
    await translate(alice, kind);
    await expect(alice.badge).toHaveText("«Connected»");
    await expect(alice.messages.locator(".message__text")).toHaveText("«before the translator»");
    await expect(alice.page.locator(".message__user"), "a name is not translated").toHaveText("alice");

    await expect(async () => {
      await bob.composer.fill("");
      await bob.composer.pressSequentially("typing");
      await expect(alice.page.locator(".composer__typing")).toHaveText(/^bob«? ?is typing…»?$/, { timeout: 4_000 });
    }).toPass();
    await bob.post("a new message");
    await expect(alice.messages.locator(".message__text")).toHaveText([said("before the translator"), said("a new message")]);
    await expect(alice.page.locator(".composer__typing")).toHaveText("");

    await expect(alice.page.locator(".people__count")).toHaveText("2");
    await bob.page.goto("/");
    await expect(alice.page.locator(".people__count")).toHaveText("1");
    await expect(alice.page.locator(".people__news")).toHaveText(/^bob«? ?left»?$/);
    await bob.enterRoom(room);
    await expect(alice.page.locator(".people__count")).toHaveText("2");
    await expect(alice.page.locator(".people__news")).toHaveText(/^bob«? ?(came in|joined)»?$/);

    await alice.composer.fill("x".repeat(4_001));
    await expect(alice.page.locator(".composer__hint")).toHaveText(said("1 character too many"));
    await alice.composer.fill("");
    await expect(alice.page.locator(".composer__hint")).toHaveText(/Enter.*Shift\+Enter.*line/);

    await alice.context.setOffline(true);
    await expect(alice.badge).toHaveText(said("(Disconnected|Connecting…)"));
    await alice.post("said offline");
    const draft = alice.page.locator(".message[data-state=pending] .message__state");
    await expect(draft).toHaveText(said("(Waiting for the connection|Sending)…"));
    await expect(alice.badge).toHaveText(said("(Disconnected · 1 unsent|Connecting…)"));
    await alice.context.setOffline(false);
    await expect(alice.badge).toHaveText(said("Connected"), { timeout: 40_000 });
    await expect(bob.messages.last()).toContainText("said offline");
    await expect(alice.page.locator(".message[data-state]")).toHaveCount(0);
    await expect(alice.messages.locator(".message__text").last()).toHaveText(said("said offline"));

    await alice.page.locator(".navigation a", { hasText: "general" }).click();
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("general");
    await alice.expectConnected();
    await alice.page.locator(".navigation a", { hasText: "translated" }).filter({ hasText: kind }).first().click();
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText(new RegExp(`^translated ${kind}`));
    await bob.post("after the way back");
    await expect(alice.messages.locator(".message__text").last()).toHaveText(said("after the way back"));
    expect(await alice.page.locator("html[data-hydrated]").count()).toBe(1);
  });

  test(`the feed goes on on a page whose texts a translator ${kind}`, async ({ alice, server }) => {
    await alice.open("/");
    const channel = `translated-${kind}`;
    await server.publish(channel, { type: "update", key: "depth", value: 1, unit: "m" });
    const value = alice.page.locator(`.value-card[data-channel="${channel}"] .series__value`);
    await expect(value).toHaveText("1 m");
    await translate(alice, kind);
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("«Feed»");
    await server.publish(channel, { type: "update", key: "depth", value: 2, unit: "m" });
    await expect(value).toHaveText("2 m");
    await expect(alice.page.locator(`.value-card[data-channel="${channel}"] .values__value`)).toHaveText(["1.000 m", "2.000 m"]);
    await server.publish(channel, "a notice");
    const notice = alice.page.locator(".notification", { hasText: channel }).first();
    await expect(notice.locator(".notification__text")).toHaveText(said("a notice"));
    await expect(notice.locator(".notification__channel"), "a channel is not translated").toHaveText(channel);
    await expect(notice.locator("time"), "nor is a time").toHaveText(/^\d\d:\d\d(:\d\d)?$/);
    await alice.page.locator(".navigation a", { hasText: "general" }).click();
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("general");
    const inTicker = alice.page.locator(`.ticker .value-card[data-channel="${channel}"] .series__value`);
    await server.publish(channel, { type: "update", key: "depth", value: 3, unit: "m" });
    await expect(inTicker).toHaveText("3 m");
  });
}

for (const kind of KINDS) {
  test(`problems and pages that take each other's place are told anew on a page whose texts a translator ${kind}`, async ({ alice, bob, expectedFaults }) => {
    expectedFaults.push(/ERR_INTERNET_DISCONNECTED|ERR_FAILED/);
    const room = await bob.makeRoom(`problems ${crypto.randomUUID().slice(0, 8)}`);
    let reject = (_code: string) => {};
    await alice.page.routeWebSocket(/./, (socket) => {
      socket.connectToServer();
      reject = (code) => socket.send(JSON.stringify({ type: "rejected", room, code, message: code }));
    });
    await alice.enterRoom(room);
    await alice.expectTransport("socket");
    await translate(alice, kind);
    const note = alice.page.locator(".conversation > .note");
    reject("not_joined");
    await expect(note).toHaveText(said("You are not in this room right now.*"));
    reject("too_many_joins");
    await expect(note).toHaveText(said("You have too many rooms open.*"));

    // To a page that cannot be loaded, and from it to others.
    const heading = alice.page.getByRole("heading", { level: 1 });
    await alice.page.route("**/fn/**", (route) => route.abort());
    await alice.feedLink.click();
    await expect(alice.page.locator(".page .empty h1")).toHaveText(said("This could not be loaded."));
    await alice.page.unroute("**/fn/**");
    await alice.page.locator(".navigation a", { hasText: "general" }).click();
    await expect(heading).toHaveText("general");
    await alice.feedLink.click();
    await expect(heading).toHaveText(said("Feed"));
    await expect(alice.page.locator(".value-cards > h2")).toHaveText(said("Values"));
    await alice.page.goBack();
    await expect(heading).toHaveText("general");
    await expect(alice.page.locator(".ticker > h2")).toHaveText(said("Feed"));
  });
}

test("what a translator must not touch says so", async ({ alice, bob, server }) => {
  const room = await bob.makeRoom(`untouched ${crypto.randomUUID().slice(0, 8)}`);
  await bob.post("a message that may be translated");
  await server.publish("untouched", { type: "update", key: "depth", value: 1, unit: "m" });
  await server.publish("untouched", { text: "a text", tags: ["db-1"] });
  await alice.enterRoom(room);
  const live = [".message__user", "time", ".people__list li", ".people__count", "h1", ".navigation li a", ".value-card h3", ".series dt", ".series__value", ".notification__channel", ".tags li"];
  const touched = (selectors: string[]) =>
    alice.page.evaluate((selectors) => {
      const isTouched = (element: Element) => {
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const text = walker.currentNode as Text;
          if (text.data.trim() && text.parentElement!.closest('[translate="no"]') === null && text.data.trim() !== "(you)") return true;
        }
        return false;
      };
      return selectors.filter((selector) => {
        const elements = [...document.querySelectorAll(selector)];
        return elements.length === 0 || elements.some(isTouched);
      });
    }, selectors);
  expect(await touched(live)).toEqual([]);
  expect(await touched([".message__text"]), "texts of people may be translated").toEqual([".message__text"]);
  await alice.open("/");
  expect(await touched(["time", ".series__value", ".values__value", ".values__key", ".value-card h3", ".notification__channel"])).toEqual([]);
});
