// Reading the notifications that a browser shows. Stories of notifications put it into each page and worker.

/**
 * Has shows and reads of notifications take turns, among all tabs and the worker: Chromium drops a notification that is
 * stored and not yet displayed when somebody asks for those that are displayed. It runs in the browser.
 */
export function takeTurns() {
  const registrations = ServiceWorkerRegistration.prototype as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>;
  for (const name of ["showNotification", "getNotifications"]) {
    const call = registrations[name]!;
    registrations[name] = function (this: unknown, ...parameters) {
      return navigator.locks.request("notifications", () => call.apply(this, parameters));
    };
  }
}
