// The page of notifications: turning them on and off on a device, trying them, quiet hours. No push service is there for the
// tests, so the browser's own subscription is replaced by one that leads to a server of the story.
import type { Page } from "@playwright/test";
import { PushService } from "../support/push_service.ts";
import { Server } from "../support/server.ts";
import { expect, named, test as base } from "../support/test.ts";
import type { Person } from "../support/people.ts";

type Pushes = { house: Server; service: PushService };

const test = base.extend<{ pushes: Pushes }>({
  pushes: async ({}, use) => {
    const service = await PushService.start();
    const house = await Server.start({ env: { IDOBATA_PUSH_NETWORKS: "127.0.0.0/8", IDOBATA_PUSH_WAIT: "1s" } });
    await use({ house, service });
    await house.stop();
    service.stop();
  },
});

/** Gives the browser a push service that works, and notifications that are allowed. The subscription outlives the page. */
async function withPushService(page: Page, service: PushService) {
  await page.addInitScript((made) => {
    const wrap = () => ({
      ...made,
      toJSON: () => made,
      unsubscribe: async () => {
        sessionStorage.removeItem("subscribed");
        return true;
      },
    });
    const pushManager = {
      getSubscription: async () => (sessionStorage.getItem("subscribed") ? wrap() : null),
      subscribe: async ({ applicationServerKey }: { applicationServerKey: string }) => {
        sessionStorage.setItem("subscribed", applicationServerKey);
        return wrap();
      },
    };
    const registration = { pushManager, active: { postMessage: () => {} } };
    const serviceWorker = { register: async () => registration, getRegistration: async () => registration, ready: Promise.resolve(registration) };
    Object.defineProperty(navigator, "serviceWorker", { value: serviceWorker });
    Object.defineProperty(Notification, "permission", { get: () => "default" });
    Notification.requestPermission = async () => "granted";
  }, service.device("of-alice").subscription);
}

const thisDevice = ({ page }: Person) => page.getByRole("region", { name: "This device" });
/** The sentences of all states stand in the page; one of them is shown. */
const expectState = (person: Person, sentence: string) => expect(thisDevice(person).locator("p:visible")).toContainText([sentence]);

test("alice turns notifications on, gets a test and a mention, and turns them off", async ({ pushes: { house, service }, somebody }) => {
  const alice = await named(await somebody({ baseURL: house.url }), "alice");
  const bob = await named(await somebody({ baseURL: house.url }), "bob");
  const { page } = alice;
  await withPushService(page, service);
  await alice.enterRoom("general");
  await page.locator(".menu > button").click();
  await page.locator(".menu__panel").getByRole("link", { name: "Notifications" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Notifications" })).toBeVisible();
  await expectState(alice, "Notifications are off on this device.");
  await expect(page.getByText("No device of yours gets notifications.")).toBeVisible();
  await thisDevice(alice).getByRole("button", { name: "Turn on" }).click();
  await expectState(alice, "Notifications are on.");
  await expect(page.getByRole("main").getByRole("listitem").filter({ hasText: "127.0.0.1" }).getByText("this browser")).toBeVisible();
  await page.getByRole("button", { name: "Send a test notification" }).click();
  await expect(page.getByText("A test notification is on its way to your devices.")).toBeVisible();
  await expect.poll(() => service.devices).toEqual(["of-alice"]);
  await bob.enterRoom("general");
  await bob.post("@alice lunch?");
  await expect.poll(() => service.devices).toEqual(["of-alice", "of-alice"]);
  await thisDevice(alice).getByRole("button", { name: "Turn off" }).click();
  await expectState(alice, "Notifications are off on this device.");
  await expect(page.getByText("No device of yours gets notifications.")).toBeVisible();
});

test("a device that was removed from another one is off", async ({ pushes: { house, service }, somebody }) => {
  const alice = await named(await somebody({ baseURL: house.url }), "alice");
  await withPushService(alice.page, service);
  await alice.page.goto("/notifications");
  await thisDevice(alice).getByRole("button", { name: "Turn on" }).click();
  await expectState(alice, "Notifications are on.");
  const { subscriptions } = await (await alice.context.request.get("/api/push")).json();
  await alice.context.request.delete(`/api/push/subscriptions/${subscriptions[0].id}`);
  await alice.page.reload();
  await expectState(alice, "Notifications are off on this device.");
  await thisDevice(alice).getByRole("button", { name: "Turn on" }).click();
  await expectState(alice, "Notifications are on.");
});

test("quiet hours are kept, also without a script, and a wrong one is named", async ({ somebody, expectedFaults }) => {
  expectedFaults.push(/^400|status of 400/);
  const hanako = await named(await somebody({ locale: "ja-JP", javaScriptEnabled: false }), "花子");
  const { page } = hanako;
  await page.goto("/notifications");
  await expect(page.getByText("この端末で通知を有効にするには、このサイトのJavaScriptを許可してください。")).toBeVisible();
  await expect(page.getByRole("button", { name: "オンにする" })).toBeHidden();
  await expect(page.getByText("Idobataを開いている間", { exact: true })).toBeHidden(); // its switches need a script
  await page.getByLabel("開始").fill("22:00");
  await page.getByLabel("終了").fill("07:30");
  await page.getByLabel("タイムゾーン").fill("Mars/Olympus");
  await page.getByRole("button", { name: "保存" }).click();
  await expect(page.getByRole("alert")).toContainText("通知しない時間帯には");
  await expect(page.getByLabel("開始")).toHaveValue("22:00");
  await page.getByLabel("タイムゾーン").fill("Asia/Tokyo");
  await page.getByLabel("すべてのメッセージ").check();
  await page.getByRole("button", { name: "保存" }).click();
  await expect(page.getByRole("status").filter({ hasText: "設定を保存しました。" })).toBeVisible();
  await page.goto("/notifications");
  await expect(page.getByLabel("終了")).toHaveValue("07:30");
  await expect(page.getByLabel("すべてのメッセージ")).toBeChecked();
  const { quiet, every_message } = await (await hanako.context.request.get("/api/push")).json();
  expect({ quiet, every_message }).toEqual({ quiet: { from: "22:00", to: "07:30", zone: "Asia/Tokyo" }, every_message: true });
});

test("rules for events of the feed are made and removed without a script, and push what they say", async ({ pushes: { house, service }, somebody, expectedFaults }) => {
  expectedFaults.push(/^400|status of 400/);
  const alice = await named(await somebody({ baseURL: house.url, javaScriptEnabled: false }), "alice");
  const { page, context } = alice;
  await context.request.post("/api/push/subscriptions", { data: service.device("of-alice").subscription });
  await page.goto("/notifications");
  const rules = page.getByRole("region", { name: "Events of the feed" });
  await rules.getByLabel("Channel").fill("a b");
  await rules.getByLabel("Events", { exact: true }).selectOption("Errors only");
  await rules.getByRole("button", { name: "Add" }).click();
  await expect(rules.getByRole("alert")).toContainText("Name a channel, the beginning of some followed by *, or * alone for all.");
  await expect(rules.getByLabel("Channel")).toHaveValue("a b");
  await expect(rules.getByLabel("Events", { exact: true })).toHaveValue("error");
  await rules.getByLabel("Channel").fill("db-*");
  await rules.getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Your settings were saved." })).toBeVisible();
  await expect(rules.getByRole("listitem")).toContainText(["db-* Errors only"]);
  const publish = (channel: string, level: string) => context.request.post(`/api/events/${channel}`, { data: { text: "news", level } });
  for (const [channel, level] of [["ops", "error"], ["db-1", "warning"], ["db-1", "error"]]) await publish(channel!, level!);
  await expect.poll(() => service.devices).toEqual(["of-alice"]);
  await rules.getByRole("button", { name: "Remove db-* Errors only" }).click();
  await expect(rules.getByRole("listitem")).toHaveCount(0);
  expect((await (await context.request.get("/api/push")).json()).rules).toEqual([]);
});

test("rules for events of the feed are in Japanese, too", async ({ somebody, expectedFaults }) => {
  expectedFaults.push(/^400|status of 400/);
  const hanako = await named(await somebody({ locale: "ja-JP", javaScriptEnabled: false }), "花子");
  const { page } = hanako;
  await page.goto("/notifications");
  const rules = page.getByRole("region", { name: "フィードのイベント" });
  await rules.getByLabel("チャンネル").fill("井戸");
  await rules.getByRole("button", { name: "追加" }).click();
  await expect(rules.getByRole("alert")).toContainText("チャンネル名、名前の先頭に*を付けたもの");
  await rules.getByLabel("チャンネル").fill("*");
  await rules.getByLabel("イベント", { exact: true }).selectOption("注意とエラー");
  await rules.getByRole("button", { name: "追加" }).click();
  await expect(page.getByRole("status").filter({ hasText: "設定を保存しました。" })).toBeVisible();
  await expect(rules.getByRole("listitem")).toContainText(["すべてのチャンネル 注意とエラー"]);
  expect((await (await hanako.context.request.get("/api/push")).json()).rules).toEqual([{ channel: "*", level: "warning" }]);
});

test("the time zone of the browser stands in the form until another one is chosen", async ({ somebody }) => {
  const alice = await named(await somebody({ timezoneId: "America/St_Johns" }), "alice");
  await alice.page.goto("/notifications");
  await expect(alice.page.getByLabel("Time zone")).toHaveValue("America/St_Johns");
});

test("a browser that cannot be notified says why", async ({ somebody }) => {
  const states: [string, () => void][] = [
    ["cannot show notifications while the page is closed", () => delete (window as any).PushManager],
    [
      "add Idobata to the home screen first",
      () => {
        delete (window as any).PushManager;
        Object.defineProperty(navigator, "userAgent", { value: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)" });
      },
    ],
    ["only on sites with https", () => Object.defineProperty(window, "isSecureContext", { value: false })],
    ["Notifications of this site are blocked.", () => Object.defineProperty(Notification, "permission", { get: () => "denied" })],
  ];
  for (const [sentence, script] of states) {
    const alice = await named(await somebody({ serviceWorkers: "allow" }), "alice");
    await alice.page.addInitScript(script);
    await alice.page.goto("/notifications");
    await expectState(alice, sentence);
    await expect(thisDevice(alice).getByRole("button")).toBeHidden();
  }
});

test("a browser whose push service cannot be reached says so", async ({ somebody, expectedFaults }) => {
  expectedFaults.push(/Push API in incognito mode/);
  // This one has none that answers.
  const alice = await named(await somebody({ serviceWorkers: "allow" }), "alice");
  await alice.page.addInitScript(() => {
    Object.defineProperty(Notification, "permission", { get: () => "default" });
    Notification.requestPermission = async () => "granted";
  });
  await alice.page.goto("/notifications");
  await thisDevice(alice).getByRole("button", { name: "Turn on" }).click();
  await expectState(alice, "its push service cannot be reached");
  await expect(thisDevice(alice).getByRole("button", { name: "Turn on" })).toBeEnabled();
});
