// What real browsers make of a report: accessibility by axe-core, requests, faults, overflow, with and without scripts.
//
//     npm install --prefix FOLDER playwright-core axe-core
//     node benchmarks/report_browser.mjs FOLDER [--shots FOLDER] PAGE.html…
//
// Also says how long a page takes from the request until it is drawn: the least of three, each in a new context.
// Chromium is /usr/bin/chromium, or what CHROMIUM names. Each page is opened light and dark, 1,000 and 360 pixels wide,
// as it is, without scripts, and in print. Ends with status 1 if axe finds anything serious, a request leaves the page,
// a policy is broken, something is wider than the screen, or a sample cannot be read without scripts.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const given = process.argv.slice(2);
const modules = createRequire(resolve(given.shift(), "package.json"));
const at = given.indexOf("--shots");
const shots = at < 0 ? null : resolve(given.splice(at, 2)[1]);
const { chromium } = modules("playwright-core");
const axe = readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
const VIEWS = [["light", 1000], ["dark", 1000], ["light", 360], ["dark", 360]];
let faults = 0;

function say(page, view, what, number) {
  faults += number ? 1 : 0;
  console.log([page.padEnd(24), view.padEnd(12), what.padEnd(44), String(number).padStart(5)].join(" "));
}

async function open(url, options) {
  const context = await browser.newContext({ deviceScaleFactor: 1, ...options });
  const page = await context.newPage();
  const seen = { requests: [], faults: [] };
  page.on("request", (one) => {
    if (!one.url().startsWith("data:") && one.url() !== url) seen.requests.push(one.url());
  });
  page.on("console", (one) => one.type() === "error" && seen.faults.push(one.text()));
  page.on("pageerror", (one) => seen.faults.push(one.message));
  await page.goto(url);
  return { context, page, seen };
}

async function opens(url) {
  const times = [];
  for (let i = 0; i < 3; i++) {
    const { context, page } = await open(url, { viewport: { width: 1000, height: 900 } });
    times.push(
      await page.evaluate(
        () => new Promise((drawn) => requestAnimationFrame(() => setTimeout(() => drawn(performance.now())))),
      ),
    );
    await context.close();
  }
  return Math.min(...times);
}

for (const file of given) {
  const url = pathToFileURL(resolve(file)).href;
  const name = basename(file, ".html");
  const milliseconds = await opens(url);
  console.log(`${name.padEnd(24)} drawn after ${milliseconds.toFixed(0)} ms (goal: 2000 ms)`);
  for (const [colorScheme, width] of VIEWS) {
    const view = `${colorScheme} ${width}`;
    const options = { colorScheme, viewport: { width, height: 900 } };
    const plain = await open(url, options);
    await plain.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    say(name, view, "requests that leave the page", plain.seen.requests.length);
    say(name, view, "faults and broken policies", plain.seen.faults.length);
    plain.seen.faults.forEach((one) => console.log("   ", one));
    const wider = await plain.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    say(name, view, "pixels wider than the screen", Math.max(0, wider));
    if (shots) {
      mkdirSync(shots, { recursive: true });
      await plain.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = false)));
      await plain.page.screenshot({ path: `${shots}/${name}-${colorScheme}-${width}.png`, fullPage: true });
      if (view === "light 1000") await plain.page.pdf({ path: `${shots}/${name}.pdf`, format: "A4" });
    }
    await plain.context.close();
    const judged = await open(url, { ...options, bypassCSP: true }); // axe is a script of another
    await judged.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    await judged.page.addScriptTag({ content: axe });
    const { violations } = await judged.page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    const serious = violations.filter((one) => ["serious", "critical"].includes(one.impact));
    say(name, view, "axe-core: serious or critical", serious.length);
    for (const one of violations) console.log("   ", one.impact, one.id, one.help, one.nodes[0].html.slice(0, 140));
    await judged.context.close();
  }
  const silent = await open(url, { javaScriptEnabled: false, viewport: { width: 1000, height: 900 } });
  const samples = await silent.page.locator(".sample").count();
  const filters = await silent.page.locator(".filters:not([hidden])").count();
  const hidden = await silent.page.locator(".sample[hidden], .story[hidden]").count();
  say(name, "no scripts", `samples hidden, of ${samples}; dead filters`, hidden + filters);
  await silent.context.close();
}
await browser.close();
process.exit(faults ? 1 : 0);
