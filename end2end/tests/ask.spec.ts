// A script asks people by `idobata ask`: the first answer counts, whoever presses at the same moment.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PROGRAM } from "../support/server.ts";
import { expect, named, test } from "../support/test.ts";

function ask(url: string, channel: string, question: string) {
  const command = ["ask", channel, question, "--choice", "yes", "--choice", "no", "--json"];
  return promisify(execFile)(PROGRAM, command, { env: { ...process.env, IDOBATA_URL: url } });
}

test("somebody answers without a script, and the other page shows it live, as the script gets it", async ({ alice, somebody, server }) => {
  const channel = `ask-${crypto.randomUUID().slice(0, 8)}`;
  const bob = await named(await somebody({ javaScriptEnabled: false, viewport: { width: 320, height: 640 } }), "bob");
  await alice.open(`/feed/${channel}`);
  const asking = ask(server.url, channel, "Deploy <b>now</b>?");
  await expect(alice.page.getByRole("button", { name: "yes", exact: true })).toBeVisible();
  await bob.page.goto(`/feed/${channel}`);
  const no = bob.page.getByRole("button", { name: "no", exact: true });
  const over = await bob.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(over, "a phone scrolls down only").toBeLessThanOrEqual(0);
  const box = await no.boundingBox();
  expect(box!.x + box!.width).toBeLessThanOrEqual(320);
  await no.focus();
  await bob.page.keyboard.press("Enter");
  await expect(bob.page.locator(".notification")).toContainText("bob: no");
  await expect(alice.page.locator(".notification")).toContainText("Deploy <b>now</b>?");
  await expect(alice.page.locator(".notification")).toContainText("bob: no");
  await expect(alice.page.getByRole("button", { name: "yes", exact: true })).toHaveCount(0);
  expect(JSON.parse((await asking).stdout)).toEqual({ answer: "no", by: "bob" });
});

test("two people race for the answer, and all see the first one", async ({ alice, somebody, server }) => {
  const channel = `ask-${crypto.randomUUID().slice(0, 8)}`;
  // Bob has no script: his page does not change under him.
  const bob = await named(await somebody({ javaScriptEnabled: false }), "bob");
  await alice.open(`/feed/${channel}`);
  const asking = ask(server.url, channel, "Deploy now?");
  const yes = alice.page.getByRole("button", { name: "yes", exact: true });
  await expect(yes).toBeVisible();
  await bob.page.goto(`/feed/${channel}`);
  await Promise.all([
    // The answer of the other may take the button away first.
    yes.click({ timeout: 5_000 }).catch(() => {}),
    bob.page.getByRole("button", { name: "no", exact: true }).click(),
  ]);
  const { answer, by } = JSON.parse((await asking).stdout);
  expect([{ answer: "yes", by: "alice" }, { answer: "no", by: "bob" }]).toContainEqual({ answer, by });
  if (by === "alice") {
    await expect(bob.page.getByRole("alert")).toContainText("Somebody else answered before");
  }
  for (const { page } of [alice, bob]) {
    await expect(page.getByText(`${by}: ${answer}`).first()).toBeVisible();
    await expect(page.getByRole("button", { name: "yes", exact: true })).toHaveCount(0);
  }
});
