// A person with a browser of their own, and what people do on the pages.
import { type BrowserContext, expect, type Locator, type Page } from "@playwright/test";

export class Person {
  constructor(
    readonly page: Page,
    readonly context: BrowserContext,
  ) {}

  /** The same person in another tab of the same browser. */
  async anotherTab(): Promise<Person> {
    return new Person(await this.context.newPage(), this.context);
  }

  /** Says many things quickly, as a program with this person's session would. */
  async postByRequest(room: string, ...texts: string[]) {
    for (const text of texts) {
      const data = { id: crypto.randomUUID(), text };
      const response = await this.context.request.post(`/api/rooms/${room}/messages`, { data });
      expect(response.status()).toBe(201);
    }
  }

  /** How the talk is connected. */
  get badge(): Locator {
    return this.page.locator(".conversation .connection-badge");
  }

  async expectTransport(transport: "socket" | "stream" | "poll", timeout = 20_000) {
    await expect(this.page.locator(`.conversation [data-connection=open][data-transport=${transport}]`)).toBeVisible({ timeout });
  }

  /** Before a page is opened: signs of typing stay on it until something ends them. By themselves they fade in four seconds,
   * in which a busy machine may not have looked. */
  async keepSignsOfTyping() {
    await this.page.addInitScript(() => {
      const timeout = window.setTimeout;
      const keep = (run: TimerHandler, ms?: number) => (ms === 4_000 ? 0 : timeout(run, ms));
      window.setTimeout = keep as typeof window.setTimeout;
    });
  }

  /** Types without sending, until the other one sees it: the sign fades, and a busy machine may look too late. */
  async expectTypingSeenBy(other: Person, text: string) {
    await expect(async () => {
      await this.composer.fill("");
      await this.composer.pressSequentially(text);
      await expect(other.page.getByText("is typing…")).toBeVisible({ timeout: 4_000 });
    }).toPass();
  }

  /** Opens an address and waits until the page answers to events. */
  async open(path: string) {
    await this.page.goto(path);
    await expect(this.page.locator("html[data-hydrated]")).toBeAttached();
  }

  /** The documents that the page loads from now on, with what tells a link that was followed from a page that was loaded
   * again. */
  documents(): string[] {
    const documents: string[] = [];
    this.page.on("request", (request) => {
      if (!request.isNavigationRequest()) return;
      const { referer, "cache-control": cache } = request.headers();
      documents.push(`${request.url()} from ${referer ?? "nowhere"}, ${cache ?? "no cache-control"}, at ${this.page.url()}`);
    });
    return documents;
  }

  /** The sidebar's link to the feed, by its address: a name that a story made up may have "feed" in it, as hexadecimal
   * digits do. */
  get feedLink(): Locator {
    return this.page.locator('.navigation > a[href="/"]');
  }

  /** Opens a room and waits until it is followed. */
  async enterRoom(room: string) {
    await this.open(`/rooms/${room}`);
    await this.expectConnected();
  }

  /** Makes a room that no other test has, and is then in it. */
  async makeRoom(name: string): Promise<string> {
    await this.open("/");
    await this.page.getByText("New room").click();
    await this.page.getByLabel("Name of the new room").fill(name);
    await this.page.getByRole("button", { name: "Create" }).click();
    await expect(this.page.getByRole("heading", { level: 1 })).toHaveText(name);
    await this.expectConnected();
    return new URL(this.page.url()).pathname.split("/").at(-1)!;
  }

  /** On an open page: makes a room that only its members may enter, and is then in it. */
  async makePrivateRoom(name: string) {
    await this.page.getByText("New room").click();
    await this.page.getByLabel("Name of the new room").fill(name);
    await this.page.getByLabel("Members only").check();
    await this.page.getByRole("button", { name: "Create" }).click();
    await expect(this.page.getByRole("heading", { level: 1 })).toHaveText(name);
  }

  /** The person's own menu at the end of the sidebar, which on a small screen is opened first. */
  async openMenu() {
    const button = this.page.locator(".menu > button");
    const drawer = this.page.getByRole("button", { name: /^(Menu|メニュー)$/ });
    await expect(button.or(drawer).first()).toBeVisible();
    if (!(await button.isVisible())) await drawer.click();
    if (!(await this.page.locator(".menu__panel").isVisible())) await button.click();
    await expect(this.page.locator(".menu__panel")).toBeVisible();
  }

  async rename(name: string) {
    await this.openMenu();
    await this.page.getByLabel("Your name").fill(name);
    const answered = this.page.waitForResponse((response) => new URL(response.url()).pathname === "/name");
    await this.page.getByRole("button", { name: "Change" }).click();
    expect((await answered).status()).toBe(303);
    await this.page.waitForLoadState();
    await expect(this.page.locator("html[data-hydrated]")).toBeAttached();
    await expect(this.page.getByLabel("Your name")).toHaveValue(name);
  }

  async expectConnected() {
    await expect(this.page.locator(".conversation [data-connection=open]")).toBeVisible();
  }

  get composer(): Locator {
    return this.page.locator(".composer textarea");
  }

  get messages(): Locator {
    return this.page.locator(".messages .message");
  }

  async post(text: string) {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Waits until exactly these texts stand in the room, in this order, all of them confirmed. */
  async expectMessages(...texts: string[]) {
    await expect(this.messages.locator(".message__text")).toHaveText(texts);
    await expect(this.page.locator(".message[data-state]")).toHaveCount(0);
  }

  async expectPeople(...names: (string | RegExp)[]) {
    await expect(this.page.locator(".people__list li")).toHaveCount(names.length);
    for (const name of names) await expect(this.page.locator(".people__list li", { hasText: name })).toHaveCount(1);
  }
}

/** Opens the menu of a message by its mouse. */
export async function openMenu(page: Page, message: Locator): Promise<Locator> {
  await message.hover();
  await message.getByRole("link", { name: /^(Actions|操作)/ }).click();
  const menu = page.locator(".message-menu:popover-open");
  await expect(menu).toBeVisible();
  return menu;
}
