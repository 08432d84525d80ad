// What somebody typed is theirs: whatever is refused, and wherever they go meanwhile, it is in the field again.
import { withForeignPage } from "../support/foreign.ts";
import { Server } from "../support/server.ts";
import { expect, test as base } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

const test = base.extend<{}, { server: Server }>({
  server: [
    async ({}, use) => {
      const env = { IDOBATA_LIMIT_MESSAGES: "1/1h", IDOBATA_LIMIT_ROOMS: "1/1h" };
      const server = await Server.start({ env });
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
});

test.describe("a form that is refused without JavaScript", () => {
  test.use({ expectedFaults: [/^(400|409|429) |status of (400|409|429)/] });

  test("comes back with the message that was too quick, and when to try again", async ({ somebody }) => {
    const plain = await somebody({ javaScriptEnabled: false });
    await plain.page.goto("/rooms/general");
    await plain.composer.fill("the first");
    await plain.page.getByRole("button", { name: "Send" }).click();
    await expect(plain.page.locator(".message__text").last()).toHaveText("the first");
    const text = `\nif a < b && "c":\n  </textarea> ${"long ".repeat(200)}`;
    await plain.composer.fill(text);
    await plain.page.getByRole("button", { name: "Send" }).click();
    await expect(plain.page.getByRole("alert")).toHaveText(/Try again in [\d,]+ seconds\.$/);
    await expect(plain.composer).toHaveValue(text);
    expect(plain.page.url(), "it is nobody else's to read").not.toContain("long");
    await expect(plain.page.locator(".message__text").last(), "the room is there as before").toHaveText("the first");
    await plain.page.goBack();
    await expect(plain.page.getByRole("alert")).toHaveCount(0);
  });

  test("comes back with the message that was too long", async ({ somebody }) => {
    const plain = await somebody({ javaScriptEnabled: false });
    await plain.page.goto("/rooms/general");
    const text = "äß😀 ".repeat(1_100);
    await plain.composer.fill(text);
    await plain.page.getByRole("button", { name: "Send" }).click();
    await expect(plain.page.getByRole("alert")).toHaveText(/more than 4,000 characters/);
    await expect(plain.composer).toHaveValue(text);
  });

  test("comes back with the name of the room, and that it was to be private", async ({ somebody }) => {
    const plain = await somebody({ javaScriptEnabled: false });
    const name = unique('"quiet" & <small>').slice(0, 40);
    await plain.page.goto("/rooms/tech");
    for (const expected of [null, /Try again in/]) {
      await plain.page.getByText("New room").click();
      await plain.page.getByLabel("Name of the new room").fill(expected ? `${name.slice(0, 30)} 2` : name);
      await plain.page.getByLabel("Members only").check();
      await plain.page.getByRole("button", { name: "Create" }).click();
      if (!expected) await expect(plain.page.getByRole("heading", { level: 1 })).toHaveText(name);
    }
    await expect(plain.page.getByRole("alert")).toHaveText(/Try again in/);
    await expect(plain.page.getByLabel("Name of the new room")).toBeVisible();
    await expect(plain.page.getByLabel("Name of the new room")).toHaveValue(`${name.slice(0, 30)} 2`);
    await expect(plain.page.getByLabel("Members only")).toBeChecked();
  });

  test("comes back with the name that is none", async ({ somebody }) => {
    const plain = await somebody({ javaScriptEnabled: false });
    await plain.page.goto("/");
    await plain.openMenu();
    await plain.page.getByLabel("Your name").fill("\u200b\u200b");
    await plain.page.getByRole("button", { name: "Change" }).click();
    await expect(plain.page.getByRole("alert")).toHaveText(/A name must have 1 to 40 characters/);
    await expect(plain.page.getByLabel("Your name")).toHaveValue("\u200b\u200b");
  });

  test("is a live page in a browser with JavaScript", async ({ alice }) => {
    await alice.enterRoom("general");
    await alice.page.getByText("New room").click();
    await alice.page.getByLabel("Name of the new room").fill("General");
    await alice.page.getByRole("button", { name: "Create" }).click();
    await expect(alice.page.getByRole("alert")).toHaveText(/A room with this name already exists/);
    await expect(alice.page.locator("html[data-hydrated]")).toBeAttached();
    await alice.expectConnected();
    await expect(alice.page.getByLabel("Name of the new room")).toHaveValue("General");
    await alice.post("and the talk goes on");
    await expect(alice.messages.last()).toHaveText(/and the talk goes on/);
  });
});

base.describe("a form that never reached its handler", () => {
  base.use({ expectedFaults: [/^(403|413|421|429) |status of (403|413|421|429)/] });

  base("comes back with what was typed, and is sent again from there", async ({ somebody }) => {
    const server = await Server.start({ env: { IDOBATA_LIMIT_REQUESTS: "4/4s" } });
    try {
      const plain = await somebody({ javaScriptEnabled: false, baseURL: server.url });
      await plain.page.goto("/rooms/general");
      const text = '\nif a < b && "c":\n  </textarea>';
      await plain.composer.fill(text);
      await Promise.all(Array.from({ length: 12 }, () => plain.context.request.get("/rooms/tech")));
      await plain.page.getByRole("button", { name: "Send" }).click();
      await expect(plain.page.getByRole("alert")).toHaveText(/You are doing this too often\. ?Try again in \d seconds?\.$/);
      await expect(plain.page.getByLabel("Message")).toHaveValue(text);
      await expect(async () => {
        if (await plain.page.getByRole("button", { name: "Send again" }).count()) {
          await plain.page.getByRole("button", { name: "Send again" }).click();
        } else {
          await plain.page.goto("/rooms/general");
        }
        await expect(plain.page.locator(".message__text")).toHaveCount(1, { timeout: 1_000 });
      }).toPass();
      await expect(plain.page.locator(".message__text")).toHaveText("if a < b && \"c\":\n  </textarea>");
    } finally {
      await server.stop();
    }
  });

  base("says so in a page when it is too large, and the browser has it still", async ({ somebody }) => {
    const plain = await somebody({ javaScriptEnabled: false });
    await plain.page.goto("/rooms/general");
    await plain.composer.fill("long ".repeat(20_000));
    await plain.page.getByRole("button", { name: "Send" }).click();
    await expect(plain.page.getByRole("alert")).toHaveText("This is too large to send.");
    await expect(plain.page.getByText("Go back in your browser")).toBeVisible();
    await plain.page.goBack();
    await expect(plain.composer).toHaveValue("long ".repeat(20_000));
  });
});

test("a half-written message is there again after a look at another site", async ({ alice, bob }) => {
  await alice.enterRoom("general");
  await alice.composer.fill("half a thought");
  await withForeignPage("127.0.0.1", async (url) => {
    await alice.page.goto(url);
    await alice.page.goBack();
    await expect(alice.composer).toHaveValue("half a thought");
    await alice.expectConnected();
    await alice.page.goto(url);
    await alice.enterRoom("general");
    await expect(alice.composer).toHaveValue("half a thought");
  });
  await alice.enterRoom("tech");
  await expect(alice.composer, "it belongs to its room").toHaveValue("");
  await bob.enterRoom("general");
  await expect(bob.composer, "and to its author").toHaveValue("");
});
