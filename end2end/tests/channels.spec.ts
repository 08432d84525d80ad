// A page for each channel of the feed, and the way there: the sidebar, a notification, a value card.
import { AxeBuilder } from "@axe-core/playwright";
import { invite, join, test as withAccounts } from "../support/accounts.ts";
import type { Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;
const heading = ({ page }: Person) => page.locator("main h1");
const notice = ({ page }: Person, text: string) => page.locator(".notification", { hasText: text });
const inSidebar = ({ page }: Person, channel: string) => page.locator(`.navigation a[href="/feed/${channel}"]`);

/** Opens a channel's page and waits until it is followed. */
async function follow(person: Person, channel: string) {
  await person.open(`/feed/${channel}`);
  await expectFollowed(person);
}

const expectFollowed = ({ page }: Person) => expect(page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();

test("one publishes to a channel, and another follows its page live, where no other channel appears", async ({ alice, bob, server }) => {
  const [channel, other] = [unique("ops"), unique("other")];
  await server.publish(channel, "before she came");
  await server.publish(other, "elsewhere");
  await follow(alice, channel);
  await expect(heading(alice)).toHaveText(channel);
  await expect(alice.page).toHaveTitle(`${channel} · Feed · Idobata`);
  await expect(alice.page.locator(".notification__text")).toHaveText(["before she came"]);
  const publish = (to: string, data: object) => bob.context.request.post(`/api/events/${to}`, { data });
  expect((await publish(other, { title: "not for this page", text: "elsewhere" })).status()).toBe(201);
  expect((await publish(other, { type: "update", key: "load", value: 1 })).status()).toBe(201);
  expect((await publish(channel, { title: "disk full", text: "92 % of /var", level: "warning" })).status()).toBe(201);
  expect((await publish(channel, { type: "update", key: "load", value: 41.5, unit: "%" })).status()).toBe(201);
  await expect(notice(alice, "disk full")).toContainText("Warning");
  await expect(alice.page.locator(".series__value")).toHaveText(["41.5 %"]);
  expect((await publish(channel, { type: "update", key: "load", value: 42.5, unit: "%" })).status()).toBe(201);
  await expect(alice.page.locator(".series__value")).toHaveText(["42.5 %"]);
  await expect(alice.page.getByRole("img", { name: `Plot of load in ${channel}` })).toBeVisible();
  await expect(alice.page.locator(".notification")).toHaveCount(2);
  await expect(alice.page.locator(".value-card")).toHaveCount(1);
  await expect(alice.page.locator("#publish-text")).toHaveText(`curl -d 'backup done' ${server.url}/api/events/${channel}`);
});

test("a page that is opened before its channel is used says how to publish, and shows what then comes", async ({ alice, bob, server }) => {
  const channel = unique("new");
  await follow(alice, channel);
  await expect(alice.page.getByText("No notifications yet.")).toBeVisible();
  await expect(alice.page.getByText("No values in this channel yet.")).toBeVisible();
  await expect(inSidebar(alice, channel), "nobody has used it").toHaveCount(0);
  const command = await alice.page.locator("#publish-command").textContent();
  const [, text, address] = /^curl -d '(.*)' (.*)$/.exec(command!)!;
  expect((await bob.context.request.post(address!, { data: text, headers: { "Content-Type": "text/plain" } })).status()).toBe(201);
  await expect(notice(alice, "backup done")).toBeVisible();
  await expect(alice.page.getByText("No notifications yet.")).toHaveCount(0);
  await server.publish(channel, { type: "update", value: 7 });
  await expect(alice.page.locator(".series__value")).toHaveText("7");
  await alice.page.reload();
  await expect(inSidebar(alice, channel)).toHaveAttribute("aria-current", "page");
});

test("a channel that is used for the first time appears in the sidebar without a reload, in its place by name", async ({ alice, bob }) => {
  const [first, second, third] = ["a", "b", "c"].map((name) => unique(`zz-${name}`)) as [string, string, string];
  for (const channel of [first, third]) await bob.context.request.post(`/api/events/${channel}`, { data: { text: "here" } });
  await alice.page.clock.install();
  await alice.enterRoom("general");
  const mine = alice.page.locator(".section--channels a", { hasText: /zz-[abc]-/ }).filter({ hasText: new RegExp([first, second, third].join("|")) });
  await expect(mine).toHaveText([first, third]);
  await bob.context.request.post(`/api/events/${second}`, { data: { type: "update", value: 1 } });
  await alice.page.clock.runFor(21_000);
  await expect(mine).toHaveText([first, second, third]);
  await inSidebar(alice, second).click();
  await expect(heading(alice)).toHaveText(second);
  await expect(inSidebar(alice, second)).toHaveAttribute("aria-current", "page");
  await expect(alice.page.locator(".navigation [aria-current=page]")).toHaveCount(1);
  await alice.page.locator(".section--channels > summary").click();
  await expect(inSidebar(alice, second), "the list is folded").toBeHidden();
});

test("a notification and a value card lead to their channel's page, and from there back to all of the feed", async ({ alice, server }) => {
  const channel = unique("led");
  await server.publish(channel, "follow me");
  await server.publish(channel, { type: "update", value: 3 });
  await alice.open("/");
  const documents = alice.documents();
  await notice(alice, "follow me").filter({ hasText: channel }).getByRole("link", { name: channel }).click();
  await expect(heading(alice)).toHaveText(channel);
  await expect(alice.page).toHaveURL(`/feed/${channel}`);
  await alice.page.locator("main").getByRole("link", { name: "Go to the feed" }).click();
  await expect(heading(alice)).toHaveText("Feed");
  await alice.page.locator(`.value-card[data-channel="${channel}"] h3`).getByRole("link").click();
  await expect(heading(alice)).toHaveText(channel);
  await expect(alice.page.locator(".value-card")).toHaveCount(1);
  expect(documents, "without a document of its own").toEqual([]);
});

test("back and forward between channels return to what was read, with the earlier ones that were loaded", async ({ alice, server }) => {
  const [long, short] = [unique("long"), unique("short")];
  await server.publish(long, Array.from({ length: 60 }, (_, index) => ({ text: `${long} number ${index + 1}. ${"text ".repeat(40)}` })));
  await server.publish(short, "one line");
  await alice.page.setViewportSize({ width: 1000, height: 500 });
  await follow(alice, long);
  await alice.page.getByRole("button", { name: "Show earlier notifications" }).click();
  await expect(alice.page.locator(".notification")).toHaveCount(40);
  await alice.page.getByRole("button", { name: "Show earlier notifications" }).click();
  await expect(alice.page.locator(".notification")).toHaveCount(60);
  await expect(alice.page.getByRole("button", { name: "Show earlier notifications" })).toHaveCount(0);
  const read = notice(alice, "number 12.");
  await read.scrollIntoViewIfNeeded();
  const place = await alice.page.evaluate(() => scrollY);
  expect(place).toBeGreaterThan(500);
  await inSidebar(alice, short).click();
  await expect(heading(alice)).toHaveText(short);
  await expect(alice.page.locator(".notification__text")).toHaveText(["one line"]);
  await alice.page.goBack();
  await expect(heading(alice)).toHaveText(long);
  await expect(alice.page.locator(".notification")).toHaveCount(60);
  await expect.poll(() => alice.page.evaluate(() => scrollY)).toBe(place);
  await expect(read).toBeInViewport();
  await alice.page.goForward();
  await expect(heading(alice)).toHaveText(short);
  // Followed by a connection of its own, whichever page it was before.
  await server.publish(long, `${long} number 61.`);
  await server.publish(short, "and another");
  await expect(alice.page.locator(".notification__text")).toHaveText(["and another", "one line"]);
});

test("the language switch and a reload lead back to the channel, on a phone, in Japanese", async ({ somebody, server }) => {
  const channel = unique("phone");
  await server.publish(channel, { title: "ディスク", text: "残り8 %", level: "warning" });
  await server.publish(channel, { type: "update", key: "load", value: 0.5 });
  const phone = await somebody({ viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true, locale: "ja-JP" });
  await phone.open("/");
  await phone.page.getByRole("button", { name: "メニュー" }).tap();
  await expect(phone.page.locator(".section--channels h2")).toHaveText("チャンネル");
  await inSidebar(phone, channel).scrollIntoViewIfNeeded();
  await inSidebar(phone, channel).tap();
  await expect(heading(phone)).toHaveText(channel);
  await expect(phone.page.locator("#sidebar"), "the drawer closes with a choice").toBeHidden();
  await expect(phone.page).toHaveTitle(`${channel} · フィード · Idobata`);
  await expect(phone.page.locator("main").getByRole("link", { name: "フィードへ" })).toBeInViewport({ ratio: 1 });
  await expect(notice(phone, "残り8 %")).toBeInViewport();
  const overflow = await phone.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow, "it does not scroll sideways").toBeLessThanOrEqual(0);
  expect((await new AxeBuilder({ page: phone.page }).analyze()).violations).toEqual([]);
  await phone.page.getByRole("button", { name: "メニュー" }).tap();
  await phone.openMenu();
  await phone.page.getByRole("link", { name: "English" }).click();
  await expect(phone.page).toHaveURL(`/feed/${channel}`);
  await expect(phone.page.locator("html")).toHaveAttribute("lang", "en");
  await expect(phone.page.locator("main").getByRole("link", { name: "Go to the feed" })).toBeVisible();
});

test("without JavaScript a channel is found in the sidebar and read to its first notification by links", async ({ somebody, server, expectedFaults }) => {
  expectedFaults.push(/404/);
  const [channel, other] = [unique("plain"), unique("other")];
  for (let number = 1; number <= 45; number++) {
    await server.publish(channel, `number ${number}.`);
    if (number % 3 === 0) await server.publish(other, `other ${number}.`);
  }
  await server.publish(channel, { type: "update", value: 12.5 });
  const plain = await somebody({ javaScriptEnabled: false });
  const { page } = plain;
  await page.goto("/");
  await inSidebar(plain, channel).click();
  await expect(heading(plain)).toHaveText(channel);
  await expect(inSidebar(plain, channel)).toHaveAttribute("aria-current", "page");
  await expect(page.locator(".series__value")).toHaveText(["12.5"]);
  await expect(page.locator("#publish-text")).toHaveText(`curl -d 'backup done' ${server.url}/api/events/${channel}`);
  const read = await page.locator(".notification__text").allTextContents();
  while (await page.getByRole("link", { name: "Older", exact: true }).count()) {
    await page.getByRole("link", { name: "Older", exact: true }).click();
    await expect(page.getByRole("link", { name: "Newest", exact: true })).toBeVisible();
    read.push(...(await page.locator(".notification__text").allTextContents()));
  }
  expect(read).toEqual(Array.from({ length: 45 }, (_, index) => `number ${45 - index}.`));
  await page.getByRole("link", { name: "Newest", exact: true }).click();
  await expect(page).toHaveURL(`/feed/${channel}`);
  // A guest's name is changed, and the page is the channel's again.
  await plain.openMenu();
  await page.getByLabel("Your name").fill("Plain Jane");
  await page.getByRole("button", { name: "Change" }).click();
  await expect(heading(plain)).toHaveText(channel);
  expect((await page.goto("/feed/not%20a%20name"))!.status()).toBe(404);
  await expect(heading(plain)).toHaveText("Nothing here");
});

withAccounts("a reader whose right to a channel is taken away gets nothing more, and then it is not there", async ({ house, admin, stranger }) => {
  const bob = await stranger();
  await join(bob.page, await invite(admin.page), "bob");
  await admin.page.goto("/publishers");
  await admin.page.getByLabel("Name", { exact: true }).fill("a program");
  await admin.page.getByLabel("Channels").fill("*");
  await admin.page.getByRole("button", { name: "Create token" }).click();
  const token = await admin.page.getByLabel("Token").inputValue();
  const publish = async (channel: string, body: string) => {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(`${house.url}/api/events/${channel}`, { method: "POST", headers, body });
    expect(answer.status).toBe(201);
  };
  await publish("pay", "for all");
  const alice = await admin.anotherTab();
  await follow(alice, "pay");
  await bob.page.clock.install();
  await follow(bob, "pay");
  for (const person of [alice, bob]) await expect(notice(person, "for all")).toBeVisible();
  await expect(inSidebar(bob, "pay")).toBeVisible();

  const limited = await admin.context.request.put("/api/channels/pay/readers", { data: { names: ["alice"] } });
  expect(limited.status()).toBe(200);
  await publish("pay", "for alice");
  await expect(notice(alice, "for alice")).toBeVisible();
  await bob.page.clock.runFor(21_000);
  await expect(inSidebar(bob, "pay"), "the list forgets it").toHaveCount(0);
  await expectFollowed(bob);
  await expect(notice(bob, "for alice")).toHaveCount(0);
  await bob.page.reload();
  await expect(bob.page.getByText("No notifications yet.")).toBeVisible();
  const main = async (channel: string) => {
    await follow(bob, channel);
    return (await bob.page.locator("main").innerText()).replaceAll(channel, "NAME");
  };
  expect(await main("pay"), "as a channel that nobody has used").toBe(await main("never"));

  expect((await admin.context.request.delete("/api/channels/pay/readers")).status()).toBe(204);
  await follow(bob, "pay");
  for (const text of ["for all", "for alice"]) await expect(notice(bob, text)).toBeVisible();
});

withAccounts("who is not signed in is sent to sign in, and from there to the channel", async ({ admin, stranger }) => {
  await admin.open("/");
  const bob = await stranger();
  await bob.page.goto("/feed/ops");
  await expect(bob.page).toHaveURL(/\/sign-in\?back=/);
  await bob.page.getByLabel("Name").fill("alice");
  await bob.page.getByLabel("Password").fill("correct horse battery");
  await bob.page.getByRole("button", { name: "Sign in" }).click();
  await expect(bob.page).toHaveURL("/feed/ops");
  await expect(heading(bob)).toHaveText("ops");
});
