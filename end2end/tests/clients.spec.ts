// Clients of other systems as their makers publish them, unmodified: what they send arrives, and they understand the answers.
import { IncomingWebhook } from "@slack/webhook";
import { publish } from "ntfy";
import { Upload } from "tus-js-client";
import { UploadCutter } from "../support/cutter.ts";
import { expect, test } from "../support/test.ts";

test("what Slack's own client posts stands in the room, and it knows an unknown webhook by the answer", async ({ alice, bob, server }) => {
  const room = await alice.makeRoom(`slack ${crypto.randomUUID().slice(0, 8)}`);
  await bob.enterRoom(room);
  const made = await alice.context.request.post(`/api/rooms/${room}/hooks`, { data: { name: "CI" } });
  const { path } = await made.json();
  const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*Deploy* of <https://ci.example/7|build 7>" } }];
  const answer = await new IncomingWebhook(`${server.url}${path}`).send({ text: "deployed", blocks });
  expect(answer.text).toBe("ok");
  await expect(bob.messages.first().locator(".message__text")).toHaveText("Deploy of build 7");
  const unknown = new IncomingWebhook(`${server.url}/hooks/idh_none_none`);
  await expect(unknown.send("lost")).rejects.toMatchObject({ code: "slack_webhook_http_error", message: expect.stringContaining("404") });
});

test("what ntfy's client for JavaScript publishes shows on the feed", async ({ alice, server }) => {
  const mark = crypto.randomUUID();
  await alice.open("/feed/ops");
  const answer = await publish({
    server: server.url,
    topic: "ops",
    title: `disk ${mark}`,
    message: "92 % of /var",
    priority: 4,
    tags: ["warning", "db-1"],
    actions: [{ type: "view", label: "Open the job", url: "https://example.com/job" }],
  });
  expect(answer).toMatchObject({ event: "message", topic: "ops", priority: 4, tags: ["warning", "db-1"] });
  const notice = alice.page.locator(".notification", { hasText: mark });
  await expect(notice).toContainText("92 % of /var");
  await expect(notice.getByRole("link", { name: "Open the job" })).toHaveAttribute("href", "https://example.com/job");
});

test("what the client of tus uploads is one file, also through cuts, in one piece or several", async ({ server }) => {
  const cutter = await UploadCutter.start(server.url, 300_000, 700_000, 1_000_000);
  const { token } = await (await fetch(`${server.url}/api/session`, { method: "POST", body: '{"name":"dave"}', headers: { "content-type": "application/json" } })).json();
  const headers = { Authorization: `Bearer ${token}` };
  const content = Buffer.alloc(2_500_000, "a line of the log\n");
  const send = (chunkSize: number, uploadDataDuringCreation: boolean) =>
    new Promise<string>((resolve, reject) => {
      const upload = new Upload(content, {
        endpoint: `${cutter.url}/api/uploads`,
        headers,
        chunkSize,
        uploadDataDuringCreation,
        retryDelays: [0, 50, 100, 200, 400],
        metadata: { filename: "lines 花.log", filetype: "text/plain", room: "general" },
        onError: reject,
        onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader("Upload-File")!),
      });
      upload.start();
    });
  for (const address of [await send(Infinity, false), await send(800_000, false), await send(1_500_000, true)]) {
    expect(decodeURI(address)).toContain("/lines 花.log");
    const read = await fetch(server.url + address, { headers });
    expect(Buffer.from(await read.arrayBuffer()).equals(content)).toBe(true);
  }
  expect(cutter.isThrough, "every cut came").toBe(true);
  expect(cutter.received).toBeLessThan(4 * content.length);
  await cutter.stop();
});
