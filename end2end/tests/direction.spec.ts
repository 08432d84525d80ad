// Texts of every direction, in every place where a text stands: each runs its own way and turns no other around.
import type { Locator } from "@playwright/test";
import { differingPixels } from "../support/pixels.ts";
import { expect, named, test } from "../support/test.ts";

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

const NAME = "מנחם כהן";
const TOWER = `Z${"\u0336\u0310\u0301".repeat(60)}algo`;
const unique = () => crypto.randomUUID().slice(0, 6);

const styleOf = (locator: Locator, property: string) =>
  locator.evaluate((element, property) => getComputedStyle(element).getPropertyValue(property), property);

test("each text of people and programs has its own direction, and each name an element of its own", async ({ somebody, bob, server }) => {
  const menahem = await named(await somebody(), NAME);
  const room = await menahem.makeRoom(`${NAME} ${unique()}`);
  await menahem.keepSignsOfTyping();
  await bob.keepSignsOfTyping();
  await bob.enterRoom(room);
  await menahem.enterRoom(room);
  await menahem.post(`${ARABIC}\nand a line in English`);
  await server.publish("direction", { title: HEBREW, text: ARABIC, tags: [ARABIC, "plain"] });
  await server.publish("direction", { type: "progress", key: HEBREW, done: 1, total: 2, text: ARABIC });
  await server.publish("direction", { type: "update", key: HEBREW, value: 1, unit: ARABIC });
  await bob.expectMessages(`${ARABIC}\nand a line in English`);
  for (const round of ["live", "drawn by the server"]) {
    const text = bob.messages.last().locator(".message__text");
    await expect(text, round).toHaveAttribute("dir", "auto");
    expect(await styleOf(text, "direction")).toBe("rtl");
    expect(await styleOf(text, "unicode-bidi"), "each paragraph for itself").toBe("plaintext");
    await expect(bob.messages.last().locator(".message__user bdi")).toHaveText(NAME);
    await expect(bob.page.locator("h1 bdi")).toContainText(NAME);
    await expect(bob.page.locator(".people__list bdi", { hasText: NAME })).toBeVisible();
    await expect(bob.page.locator(".navigation a bdi", { hasText: NAME }).first()).toBeAttached();
    await expect(bob.page).toHaveTitle(new RegExp(`\u2068${NAME}.*\u2069 · Idobata$`));
    await expect(bob.composer).toHaveAttribute("dir", "auto");
    expect(await bob.composer.getAttribute("aria-label")).toMatch(new RegExp(`^Message to \u2068${NAME}.*\u2069$`));
    const notice = bob.page.locator(".ticker .notification", { hasText: ARABIC }).filter({ has: bob.page.locator(".tags") }).first();
    await expect(notice.locator(".notification__title")).toHaveAttribute("dir", "auto");
    await expect(notice.locator(".notification__text")).toHaveAttribute("dir", "auto");
    await expect(notice.locator(".tags bdi")).toHaveText([ARABIC, "plain"]);
    const progress = bob.page.locator(".ticker .notification", { has: bob.page.getByRole("progressbar") });
    await expect(progress.locator("bdi")).toHaveText([HEBREW, ARABIC]);
    await expect(progress.locator(".notification__text")).toHaveText(`1 / 2 · ${ARABIC}`);
    const card = bob.page.locator('.ticker .value-card[data-channel="direction"]');
    await expect(card.locator("dt bdi")).toHaveText(HEBREW);
    await expect(card.locator(".series__value")).toHaveText(`1 \u2068${ARABIC}\u2069`);
    await bob.enterRoom(room);
  }
  await menahem.composer.pressSequentially("x");
  await expect(bob.page.locator(".composer__typing")).toHaveText(`${NAME} is typing…`);
  await expect(bob.page.locator(".composer__typing bdi")).toHaveText(NAME);
  await menahem.page.goto("/");
  await expect(bob.page.locator(".people__news bdi")).toHaveText(NAME);
  for (const field of await menahem.page.locator("input[name=name]").all()) await expect(field).toHaveAttribute("dir", "auto");
});

test("marks stay on the lines of their own text", async ({ somebody, bob, server }) => {
  const tower = await named(await somebody(), "Zal\u0336\u0310go");
  const room = await tower.makeRoom(`marks ${unique()}`);
  await bob.enterRoom(room);
  await bob.post("the one before");
  await tower.post(TOWER);
  await bob.post("the one after");
  await server.publish("marks", { title: TOWER, text: TOWER, tags: [TOWER] });
  await server.publish("marks", { type: "update", key: `Z${"\u0336\u0310".repeat(20)}`, value: 1 });
  await bob.expectMessages("the one before", TOWER, "the one after");
  const texts = bob.page.locator(".message__text, .notification__title, .notification__text, bdi");
  const notClipped = await texts.evaluateAll((elements) =>
    elements.filter((element) => getComputedStyle(element).overflowY !== "clip").map((element) => element.outerHTML.slice(0, 80)),
  );
  expect(notClipped).toEqual([]);
  // What is painted: the neighbours look the same with the tower as with a plain letter in its place.
  const pictures = async () => {
    const shots = [];
    for (const at of [0, 2]) shots.push(await bob.messages.nth(at).screenshot({ animations: "disabled" }));
    return shots;
  };
  const withTower = await pictures();
  await bob.messages.nth(1).locator(".message__text").evaluate((element) => { element.textContent = "Zalgo"; });
  const without = await pictures();
  for (const at of [0, 1]) expect(await differingPixels(bob.page, withTower[at], without[at])).toBe(0);
});

test("letters of Thai, Vietnamese and emoji are painted whole", async ({ bob }) => {
  const room = await bob.makeRoom(`whole ${unique()}`);
  await bob.enterRoom(room);
  await bob.post("ที่นี่ปั๊ม ฐู ắ ỗ Ệ g j 👩‍💻");
  const text = bob.messages.last().locator(".message__text");
  await expect(bob.page.locator(".message[data-state]")).toHaveCount(0);
  const picture = () => bob.messages.last().screenshot({ animations: "disabled" });
  const clipped = await picture();
  await text.evaluate((element) => element.classList.add("unclipped"));
  await bob.page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(".unclipped { overflow: visible !important }");
    document.adoptedStyleSheets = [sheet];
  });
  expect(await differingPixels(bob.page, await picture(), clipped)).toBe(0);
});

test("large numbers, long keys and long units fit 320 pixels", async ({ somebody, server }) => {
  const long = "k".repeat(60);
  await server.publish("long", { type: "update", key: long, value: -123456789012.345, unit: "unit".repeat(7) });
  await server.publish("long", { type: "update", key: "max", value: 1.7976931348623157e308 });
  await server.publish("long", { type: "progress", key: long, done: 123456789012, total: 999999999999, text: long });
  await server.publish("long", { title: "t".repeat(120), text: "x".repeat(300), tags: ["g".repeat(40)] });
  const phone = await somebody({ viewport: { width: 320, height: 568 } });
  for (const path of ["/", "/rooms/general"]) {
    await phone.open(path);
    if (path === "/") await expect(phone.page.locator('.value-card[data-channel="long"] .series').first()).toBeVisible();
    const wide = await phone.page.evaluate(() =>
      [...document.querySelectorAll(".value-card *, .notification *, .message *, time")]
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
        .map((element) => element.outerHTML.slice(0, 100)),
    );
    expect(wide, `${path} is too wide`).toEqual([]);
    expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    const rows = phone.page.locator('.value-card[data-channel="long"]').locator(".series, .values li");
    const heights = await rows.evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height));
    expect(Math.max(...heights), "no text is squeezed to a column of letters").toBeLessThan(240);
  }
});

/** Where the first line of a text is painted. */
const painted = (locator: Locator) =>
  locator.evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const { left, right } = range.getClientRects()[0]!;
    return { left, right };
  });

test("a text from right to left stands by its author's name, and its lines begin at its own right", async ({ somebody, bob, server }) => {
  const menahem = await named(await somebody(), NAME);
  const room = await bob.makeRoom(`near ${unique()}`);
  await menahem.enterRoom(room);
  await menahem.post(ARABIC);
  await menahem.post(`${ARABIC} ${ARABIC} ${ARABIC}\n${HEBREW}`);
  await server.publish("near", { title: `${HEBREW} ${HEBREW}`, text: `${ARABIC} ${ARABIC} ${ARABIC}` });
  await bob.expectMessages(ARABIC, `${ARABIC} ${ARABIC} ${ARABIC}\n${HEBREW}`);
  const name = await bob.messages.first().locator(".message__user").boundingBox();
  expect(Math.abs((await painted(bob.messages.first().locator(".message__text"))).left - name!.x)).toBeLessThan(4);
  const [first, second] = await bob.messages.nth(1).locator(".message__text").evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return [...range.getClientRects()].filter(({ width }) => width > 1).map(({ left, right }) => ({ left, right }));
  });
  expect(Math.abs(first!.right - second!.right), "both lines begin at the right").toBeLessThan(4);
  expect(Math.abs(first!.left - name!.x), "the longest reaches the name's side").toBeLessThan(4);
  await bob.open("/");
  const row = bob.page.locator(".notification", { hasText: "near" }).first();
  const [channel, title] = [(await row.locator(".notification__channel").boundingBox())!, await painted(row.locator(".notification__title"))];
  expect(title.left - (channel.x + channel.width), "the title stands by its channel").toBeLessThan(160);
});

test("names on the pages of members, publishers and channels have their own direction", async ({ bob }) => {
  await bob.open("/");
  await bob.makePrivateRoom(`${NAME} ${unique()}`);
  await bob.page.getByRole("link", { name: "Members" }).click();
  await expect(bob.page).toHaveTitle(new RegExp(`\u2068${NAME}[^\u2069]*\u2069`));
  await expect(bob.page.locator(".row__head bdi", { hasText: "bob" })).toHaveAttribute("translate", "no");
  for (const path of ["/publishers", "/channels"]) {
    await bob.page.goto(path);
    for (const field of await bob.page.locator("main :is(input[type=text], input:not([type]), textarea)").all()) await expect(field).toHaveAttribute("dir", "auto");
  }
  await bob.page.goto("/publishers");
  await bob.page.locator("main input[name=name]").fill(NAME);
  await bob.page.locator("main input[name=channels]").fill("ops");
  await bob.page.locator("form[aria-labelledby=make-heading] button").click();
  await expect(bob.page).toHaveTitle(new RegExp(`\u2068${NAME}\u2069`));
  await bob.page.goto("/publishers");
  await expect(bob.page.locator(".row__head bdi", { hasText: NAME })).toHaveAttribute("translate", "no");
});
