// The page of a channel: fills in what only the server draws (server/http/pages/channel_about), and draws the chart of its
// values by uPlot. live.js loads it when such a page is shown.
//
// The values come from GET /api/channels/{channel}/values, drawn together by the server to the points that the chart has room
// for. When the page has received newer ones, they are read from the log after the answer's cursor. Without this file there is
// the table that the server has drawn.
const POINTS = 300;
const POINTS_KEPT = 2 * POINTS; // live values are added one by one, and beyond this the server draws them together again
const PAUSE_MS = 1_000; // between two reads of newer values
const ZOOM = 2;
const NARROWEST_MS = 2_000;
const PAUSE_STEPS = 5; // a pause of so many usual steps is a gap in the line
const AXES = 4; // and two on a narrow screen, which has no room for more
const DASHES = [[], [8, 4], [2, 3]]; // six colours, and then the same with another stroke

const language = document.documentElement.lang;
const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
const time = (options) => new Intl.DateTimeFormat(locale, options);
const full = time({ dateStyle: "medium", timeStyle: "medium" });
const ticks = [
  [60_000, time({ hour: "numeric", minute: "2-digit", second: "2-digit" })],
  [86_400_000, time({ hour: "numeric", minute: "2-digit" })],
  [Infinity, time({ month: "short", day: "numeric" })],
];

/** As app/model/number.rs writes it: two decimals if they do, or four significant digits. */
export function readable(value) {
  if (value == null) return "–";
  const short = Math.round(value * 100) / 100;
  const digits = short === value ? short : Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4));
  return Math.abs(digits) >= 1e12 ? digits.toExponential(3).replace("e+", "e") : `${digits}`;
}

/** An element made by the DOM, so that no text of a program becomes HTML. */
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** The pauses in a line, as the places of their ends: where values stay away for much longer than usual. A place without a
 * value of this line is none, because the lines share their times and not their values. */
export function pauses(times, values) {
  const places = [...values.keys()].filter((at) => values[at] != null);
  const steps = places.slice(1).map((at, before) => times[at] - times[places[before]]);
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)];
  return steps.flatMap((step, before) => (step > PAUSE_STEPS * usual ? [[places[before], places[before + 1]]] : []));
}

/** The same for uPlot, in pixels of the canvas. */
function gaps(plot, of) {
  const [times, values] = [plot.data[0], plot.data[of]];
  return pauses(times, values).map((ends) => ends.map((at) => Math.round(plot.valToPos(times[at], "x", true))));
}

let library;

/** The library and its style, once. */
function load() {
  const loaded = (name, properties) =>
    new Promise((resolve, reject) => document.head.append(element(name, { ...properties, onload: resolve, onerror: reject })));
  library ??= Promise.all([
    loaded("script", { src: new URL("uplot.js", import.meta.url).href }),
    loaded("link", { rel: "stylesheet", href: new URL("uplot.css", import.meta.url).href }),
  ]).catch((error) => {
    library = undefined;
    throw error;
  });
  return library;
}

let shown;
/** What the server drew of the channels that were left last, so that going back moves nothing. */
const left = new Map();
const LEFT_MAX = 20;

/** Shows the channel of the page, if it has one that is not shown yet. */
export async function show() {
  // The page may be drawn only after it has told of it.
  if (!document.querySelector(".channel-about")) await new Promise(requestAnimationFrame);
  const about = document.querySelector(".channel-about");
  if (!about || shown?.about === about) return;
  shown?.end();
  const chart = (shown = new Chart(about));
  try {
    if (!about.firstElementChild) await chart.fill();
    if (!about.firstElementChild) return;
    if (shown === chart) await chart.start();
  } catch {
    // The page is as good as one without a script.
    if (shown === chart) shown = undefined;
  }
}

class Chart {
  constructor(about) {
    this.about = about;
    this.channel = about.dataset.channel;
    this.span = 3_600_000;
    this.zoomed = undefined;
    this.hidden = new Set();
    this.ended = new AbortController();
    this.requested = 0;
  }

  end() {
    this.ended.abort();
    this.resized?.disconnect();
    this.plot?.destroy();
    this.plot = undefined;
    left.delete(this.channel);
    if (this.about.firstElementChild) left.set(this.channel, [...this.about.childNodes]);
    if (left.size > LEFT_MAX) left.delete(left.keys().next().value);
  }

  /** Fills the element: at once where that was done before, so that the place of the reader can be found. */
  async fill() {
    const known = left.get(this.channel);
    if (known) return this.about.append(...known);
    const response = await fetch(`/fn/channel?${new URLSearchParams({ channel: this.channel })}`, { signal: this.ended.signal });
    if (!response.ok) throw new Error(response.status);
    // HTML of this server, which is the same as it puts into its own document.
    this.about.innerHTML = await response.text();
  }

  part(name) {
    return this.about.querySelector(`.chart__${name}`);
  }

  async start() {
    this.section = this.about.querySelector(".chart");
    const { signal } = this.ended;
    const on = (target, kind, act) => target.addEventListener(kind, act, { signal });
    on(this.section, "click", ({ target }) => {
      const { range, zoom, series } = target.closest("button")?.dataset ?? {};
      if (range !== undefined) this.choose(range ? Number(range) : undefined);
      else if (zoom) this.zoom(zoom === "in" ? 1 / ZOOM : ZOOM);
      else if (series !== undefined) this.toggle(Number(series));
    });
    on(this.part("plot"), "keydown", (event) => this.key(event));
    on(this.part("plot"), "focus", () => this.point(this.data?.times.length - 1));
    on(this.part("table"), "toggle", () => this.tabulate());
    on(window, "idobata:values", () => this.follow());
    on(matchMedia("(prefers-color-scheme: dark)"), "change", () => this.draw());
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.part("plot"));
    await this.read();
    // Values that nobody has sent for an hour are seen all the same.
    if (this.data && !this.data.times.length) await this.choose(undefined);
  }

  get words() {
    return this.section.dataset;
  }

  /** The first and the last time of the chart; the first is undefined for all that is kept. */
  window() {
    if (this.zoomed) return this.zoomed;
    const now = Date.now();
    return [this.span && now - this.span, now];
  }

  async choose(span) {
    [this.span, this.zoomed] = [span, undefined];
    await this.read();
  }

  async zoom(factor, around) {
    const [first, last] = [this.shownFrom, this.shownTo];
    if (first === undefined || last - first < NARROWEST_MS * (factor < 1 ? ZOOM : 0)) return;
    const middle = around ?? (first + last) / 2;
    const half = ((last - first) * factor) / 2;
    this.zoomed = [Math.round(middle - half), Math.min(Math.round(middle + half), Date.now())];
    await this.read();
  }

  /** Reads all that the chart shows. */
  async read() {
    for (const button of this.section.querySelectorAll("[data-range]"))
      button.ariaPressed = String(!this.zoomed && button.dataset.range === String(this.span ?? ""));
    const request = ++this.requested;
    const [from, to] = this.window();
    const query = new URLSearchParams({ points: POINTS, to, ...(from !== undefined && { from }) });
    let data;
    try {
      const response = await fetch(`/api/channels/${this.channel}/values?${query}`, { signal: this.ended.signal });
      if (!response.ok) throw new Error(response.status);
      data = await response.json();
    } catch {
      if (!this.ended.signal.aborted && request === this.requested) this.note(this.words.failed);
      return;
    }
    if (request !== this.requested) return;
    this.data = data;
    [this.shownFrom, this.shownTo] = [from ?? data.times[0], to];
    if (data.times.length) this.section.hidden = false;
    this.note(data.times.length ? (data.cut ? this.words.cut : "") : this.words.empty);
    this.draw();
  }

  /** Reads what is newer, now and once more for what comes meanwhile. */
  async follow() {
    if (!this.about.isConnected) return this.end(); // another page was opened
    if (this.zoomed || !this.data) return;
    this.isBehind = true;
    if (this.isFollowing) return;
    this.isFollowing = true;
    while (this.isBehind && !this.ended.signal.aborted) {
      this.isBehind = false;
      if (!document.hidden) await this.readNewer().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.isFollowing = false;
  }

  async readNewer() {
    const [request, { data }] = [this.requested, this];
    const query = new URLSearchParams({ channel: this.channel, after: data.cursor, limit: 200 });
    const response = await fetch(`/api/events?${query}`, { headers: { Accept: "application/json" }, signal: this.ended.signal });
    if (!response.ok || request !== this.requested || this.zoomed) return;
    const { events, cursor, more, reset } = await response.json();
    if (more || reset || data.times.length > POINTS_KEPT) return this.read();
    data.cursor = cursor;
    const known = data.series.length;
    for (const event of events) if (event.type === "update") this.add(event);
    const [from, to] = this.window();
    [this.shownFrom, this.shownTo] = [from ?? data.times[0], to];
    const gone = from === undefined ? 0 : data.times.findIndex((time) => time >= from);
    if (gone) for (const list of this.lists()) list.splice(0, gone < 0 ? list.length : gone);
    if (data.times.length) {
      this.section.hidden = false;
      this.note(data.cut ? this.words.cut : "");
    }
    if (known === data.series.length && this.plot) this.refresh();
    else this.draw();
  }

  lists() {
    const { times, series } = this.data;
    return [times, ...series.flatMap(({ min, max, mean }) => [min, max, mean])];
  }

  /** Adds a value at the end. */
  add({ key = "", unit, value, timestamp }) {
    const { times, series } = this.data;
    // A clock that was set back makes no line that goes back.
    const at = Math.max(timestamp, times.at(-1) ?? timestamp);
    if (times.at(-1) !== at) for (const list of this.lists()) list.push(list === times ? at : null);
    let of = series.find((one) => one.key === key);
    if (!of) {
      const none = () => times.map(() => null);
      series.push((of = { key, unit, min: none(), max: none(), mean: none() }));
      series.sort((a, b) => (a.key < b.key ? -1 : 1));
    }
    of.unit = unit;
    for (const list of [of.min, of.max, of.mean]) list[list.length - 1] = value;
  }

  name({ key, unit }) {
    return (key || this.words.unnamed) + (unit ? ` (${unit})` : "");
  }

  note(text) {
    this.part("note").textContent = text;
  }

  /** Draws the chart anew, with the colours as they are. */
  async draw() {
    const request = this.requested;
    await load();
    if (this.ended.signal.aborted || request !== this.requested) return;
    const style = (name) => {
      const probe = this.section.appendChild(element("i"));
      probe.style.color = `var(${name})`;
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    };
    const [text, line] = [style("--color-muted"), style("--color-line")];
    const { series } = this.data;
    const units = [...new Set(series.map(({ unit }) => unit ?? ""))];
    const scale = (unit) => `unit ${units.indexOf(unit ?? "")}`;
    const font = `12px ${getComputedStyle(this.section).fontFamily}`;
    this.colours = series.map((_, at) => style(`--line-${(at % 6) + 1}`));
    // The lines of units without an axis are read by the pointer or the arrow keys.
    const axes = this.size().width < 640 ? 2 : AXES;
    const axis = (unit, at) => ({ scale: scale(unit), side: at ? 1 : 3, stroke: text, font, label: unit || undefined, labelFont: font, labelSize: 18, size: 56, grid: { show: !at, stroke: line, width: 1 }, ticks: { stroke: line }, values: (_, splits) => splits.map(readable) });
    const steps = (_, splits) => {
      const step = splits.length > 1 ? splits[1] - splits[0] : 0;
      const form = ticks.find(([limit]) => step < limit)[1];
      return splits.map((at) => form.format(at));
    };
    const options = {
      ...this.size(),
      ms: 1,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false } },
      scales: { x: { time: true, range: () => [this.shownFrom ?? this.shownTo - 1, this.shownTo] } },
      axes: [{ stroke: text, font, size: 32, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, values: steps, space: 80 }, ...units.slice(0, axes).map(axis)],
      series: [{}],
      bands: [],
      hooks: { setCursor: [() => this.tell(this.plot?.cursor.idx)], setSelect: [(plot) => this.select(plot)] },
    };
    series.forEach((one, at) => {
      const stroke = this.colours[at];
      const own = { scale: scale(one.unit), show: !this.hidden.has(one.key), spanGaps: false, gaps };
      const edge = { ...own, width: 0, points: { show: false } };
      options.series.push({ ...own, stroke, width: 1.5, dash: DASHES[Math.floor(at / 6) % DASHES.length] }, edge, edge);
      options.bands.push({ series: [3 * at + 2, 3 * at + 3], fill: `color-mix(in oklch, ${stroke} 18%, transparent)` });
    });
    this.plot?.destroy();
    this.plot = new uPlot(options, this.aligned(), this.part("plot"));
    // The names of a canvas' parts are no names for a reader.
    this.plot.root.ariaHidden = "true";
    this.list();
    this.tell();
    this.tabulate();
  }

  aligned() {
    const { times, series } = this.data;
    return [times, ...series.flatMap(({ mean, max, min }) => [mean, max, min])];
  }

  /** Draws newer values. */
  refresh() {
    const { idx } = this.plot.cursor;
    this.plot.setData(this.aligned());
    this.tell(idx);
    this.tabulate();
  }

  size() {
    const { clientWidth: width, clientHeight: height } = this.part("plot");
    return { width: Math.max(width, 1), height: Math.max(height, 1) };
  }

  resize() {
    const size = this.size();
    if (this.plot && (size.width !== this.plot.width || size.height !== this.plot.height)) this.plot.setSize(size);
  }

  select(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    this.zoomed = [Math.round(plot.posToVal(left, "x")), Math.round(plot.posToVal(left + width, "x"))];
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (this.zoomed[1] - this.zoomed[0] >= NARROWEST_MS / ZOOM) this.read();
    else this.zoomed = undefined;
  }

  toggle(at) {
    const { key } = this.data.series[at];
    if (!this.hidden.delete(key)) this.hidden.add(key);
    for (const part of [1, 2, 3]) this.plot.setSeries(3 * at + part, { show: !this.hidden.has(key) });
    this.section.querySelector(`[data-series="${at}"]`).ariaPressed = String(!this.hidden.has(key));
  }

  /** The lines, each with its value at the pointer. */
  list() {
    const lines = this.data.series.map((one, at) => {
      const sample = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      sample.setAttribute("viewBox", "0 0 24 8");
      sample.setAttribute("aria-hidden", "true");
      const path = document.createElementNS(sample.namespaceURI, "path");
      path.setAttribute("d", "M0 4h24");
      path.style.stroke = this.colours[at];
      path.setAttribute("stroke-dasharray", DASHES[Math.floor(at / 6) % DASHES.length].join(" "));
      sample.append(path);
      const name = element("bdi", { translate: false }, one.key || this.words.unnamed);
      const button = element("button", { type: "button", ariaPressed: String(!this.hidden.has(one.key)) }, sample, name, element("b", { translate: false }));
      button.dataset.series = at;
      return element("li", {}, button);
    });
    this.part("series").replaceChildren(...lines);
  }

  /** Writes the values at a point of the chart, or the newest. */
  tell(index) {
    const { times, series } = this.data;
    const at = index ?? times.length - 1;
    const values = series.map((one) => {
      // Where this line has no point of its own, its last one before.
      let own = at;
      while (own > 0 && one.mean[own] == null) own--;
      return readable(one.mean[own]) + (one.unit && one.mean[own] != null ? ` ${one.unit}` : "");
    });
    const words = times.length ? full.format(times[at]) : "";
    this.part("time").textContent = words;
    this.part("series").querySelectorAll("b").forEach((value, of) => (value.textContent = values[of]));
    const plot = this.part("plot");
    plot.ariaValueMax = Math.max(times.length - 1, 0);
    plot.ariaValueNow = Math.max(at, 0);
    const heard = series.map((one, of) => `${one.key || this.words.unnamed} ${values[of]}`).filter((_, of) => !this.hidden.has(series[of].key));
    plot.ariaValueText = times.length ? [words, ...heard].join(", ") : this.words.empty;
  }

  /** Moves the cursor to a point. */
  point(index) {
    if (!this.plot || !(index >= 0)) return;
    const left = this.plot.valToPos(this.data.times[index], "x");
    this.plot.setCursor({ left, top: 1 });
    this.tell(index);
    this.pointed = index;
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.data) return;
    const last = this.data.times.length - 1;
    const at = Math.min(this.pointed ?? last, last);
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last, PageUp: at + 10, PageDown: at - 10 }[event.key];
    if (to !== undefined) this.point(Math.max(0, Math.min(to, last)));
    else if (["+", "-"].includes(event.key)) this.zoom(event.key === "+" ? 1 / ZOOM : ZOOM, event.key === "+" ? this.data.times[at] : undefined);
    else return;
    event.preventDefault();
  }

  /** Writes the table of what the chart shows, newest first, while it is open. */
  tabulate() {
    const { open } = this.part("table");
    if (!open || !this.data) return;
    const { times, series } = this.data;
    const cell = ({ mean, min, max }, at) => readable(mean[at]) + (min[at] < max[at] ? ` (${readable(min[at])} – ${readable(max[at])})` : "");
    const heads = series.map((one) => element("th", { scope: "col", dir: "auto", translate: false }, this.name(one)));
    const rows = times.map((time, at) => element("tr", {}, element("th", { scope: "row" }, full.format(time)), ...series.map((one) => element("td", { translate: false }, cell(one, at)))));
    const head = element("thead", {}, element("tr", {}, element("th", { scope: "col" }, this.words.time), ...heads));
    const table = element("table", {}, head, element("tbody", {}, ...rows.reverse()));
    this.part("scroll").replaceChildren(table);
  }
}
