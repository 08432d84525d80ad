// What a notification shows beside its text: the icon of its level, Markdown, actions; and no picture of another site.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;
const MARKDOWN = "**done** in `12 s`\n\n- one\n- two\n\n[log](https://example.com/log) ![plot](https://example.com/plot.png) <img src=https://example.com/x.png>";

test("Markdown is drawn as in messages, live and in the first paint, and a picture is a link", async ({ alice, bob, server }) => {
  const channel = unique("markdown");
  await alice.open(`/feed/${channel}`);
  await expect(alice.page.locator(".feed-page > .page__header [data-connection=open]")).toBeVisible();
  const away: string[] = [];
  for (const { page } of [alice, bob]) page.on("request", (request) => request.url().includes("example.com") && away.push(request.url()));
  await server.publish(channel, { title: "Backup", text: MARKDOWN, markdown: true, html: "<b>of the sender</b>" });
  await server.publish(channel, { title: "Plain", text: "**not** Markdown" });
  await bob.open(`/feed/${channel}`);
  for (const { page } of [alice, bob]) {
    const row = page.locator(".notification", { hasText: "Backup" });
    await expect(row.locator("strong")).toHaveText("done");
    await expect(row.locator("code")).toHaveText("12 s");
    await expect(row.locator("li")).toHaveText(["one", "two"]);
    await expect(row.getByRole("link", { name: "plot" })).toHaveAttribute("href", "https://example.com/plot.png");
    await expect(row.locator("img")).toHaveCount(0);
    await expect(row).not.toContainText("of the sender");
    await expect(page.locator(".notification", { hasText: "Plain" })).toContainText("**not** Markdown");
  }
  expect((await new AxeBuilder({ page: alice.page }).analyze()).violations).toEqual([]);
  expect(away, "nothing of another site is loaded").toEqual([]);
});

test("a level has an icon and a word, and actions look like buttons and are links", async ({ alice, server }) => {
  const channel = unique("level");
  const actions = [{ label: "Restart", url: "https://example.com/restart" }];
  await server.publish(channel, [
    { text: "as usual" },
    { text: "went well", level: "success" },
    { text: "look today", level: "warning" },
    { text: "look now", level: "error", actions },
  ]);
  await alice.open(`/feed/${channel}`);
  for (const [text, word, icons] of [["as usual", "Info", 0], ["went well", "Success", 1], ["look today", "Warning", 1], ["look now", "Error", 1]] as const) {
    const level = alice.page.locator(".notification", { hasText: text }).locator(".notification__level");
    await expect(level).toHaveText(word);
    await expect(level.locator("svg")).toHaveCount(icons);
  }
  await expect(alice.page.locator(".notification__actions").getByRole("link", { name: "Restart" })).toHaveAttribute("href", actions[0]!.url);
});
