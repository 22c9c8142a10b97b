// GraphiQL in a real browser that reaches this server and nothing else, and what tests do with the page.
//
// API_URL, CHROMIUM, ADMIN_TOKEN (a session beside the page's); SCREENSHOTS is the folder that a picture of each state
// goes to.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { API_URL, CHROMIUM, SCREENSHOTS, ADMIN_TOKEN } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds in GraphiQL 4.1.2 itself and no style of ours can mend; nothing of the page's own is here. */
const EXCEPTIONS = [
  {
    rule: "scrollable-region-focusable",
    part: ".CodeMirror-scroll",
    reason: "CodeMirror scrolls with the keyboard through its text area, which stands beside what scrolls, not in it",
  },
  {
    rule: "aria-hidden-focus",
    part: "",
    whileOpen: "[role=menu]",
    reason: "while the menu of operations is open, it keeps the focus to itself and hides the rest of the page",
  },
];

const errors = [];
const foreign = [];
const tried = [];

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  // Whatever would be asked of another host fails, and the browser's sandbox needs rights that containers lack.
  args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
});
rmSync(SCREENSHOTS, { recursive: true, force: true });
mkdirSync(SCREENSHOTS, { recursive: true });

export async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, ...options });
  context.setDefaultTimeout(30_000);
  context.on("request", (request) => {
    tried.push(request.url());
    const { origin, protocol } = new URL(request.url());
    if (origin !== API_URL && protocol !== "data:") foreign.push(request.url());
  });
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  await context.addInitScript({ content: AXE });
  const page = await context.newPage();
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== new URL(API_URL).host) foreign.push(socket.url());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // The browser's own line for an answer like 401, which the page has understood.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) errors.push(message.text());
  });
  await page.goto(`${API_URL}/graphiql`);
  await page.waitForFunction(() => document.querySelector(".graphiql-query-editor .CodeMirror")?.CodeMirror);
  return page;
}

let pictures = 0;

/** A picture of the state, and what axe says about it. */
export async function look(page, name) {
  pictures += 1;
  await page.screenshot({ path: join(SCREENSHOTS, `${String(pictures).padStart(2, "0")}-${name}.png`) });
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => ({ rule: id, part: target.join(" "), failureSummary })),
    );
  });
  const open = await Promise.all(EXCEPTIONS.map(({ whileOpen }) => !whileOpen || page.locator(whileOpen).isVisible()));
  const problems = found.filter(
    ({ rule, part }) => !EXCEPTIONS.some((each, index) => open[index] && each.rule === rule && part.endsWith(each.part)),
  );
  assert.deepEqual(problems, [], `axe on ${name}`);
  console.log(`looked at ${name}`);
}

/** Asks the API beside the page, as the admin's other session. */
export async function ask(query, variables = {}, token = ADMIN_TOKEN) {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(`${API_URL}/graphql`, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return { status: response.status, ...(await response.json()) };
}

export const text = (page, selector) => page.locator(selector).textContent();
export const isFocused = (page, selector) => page.evaluate((selector) => document.activeElement?.matches(selector), selector);
export const variables = (page) =>
  page.evaluate(() => JSON.parse(document.querySelector(".graphiql-editor-tool .CodeMirror").CodeMirror.getValue()));
export const said = (page, words) => page.getByRole("alert").filter({ hasText: words }).waitFor();

export const result = async (page, isEnough = () => true) => {
  let value;
  for (;;) {
    const before = value;
    const handle = await page.waitForFunction((before) => {
      const value = document.querySelector(".result-window .CodeMirror")?.CodeMirror.getValue();
      return value && value !== before && value;
    }, before);
    value = await handle.jsonValue();
    if (isEnough(value)) return JSON.parse(value);
  }
};

export const operationOf = (request) => (request.method() === "POST" ? request.postDataJSON()?.operationName : undefined);

/** Chooses an operation of the tab at the ▶ button. */
export async function choose(page, operation) {
  await page.waitForFunction((operation) => {
    const { operations } = document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror;
    return operations?.some(({ name }) => name?.value === operation);
  }, operation);
  await page.locator(".graphiql-execute-button").click();
  await page.getByRole("menuitem", { name: operation, exact: true }).click();
}

export async function run(page, operation) {
  const answered = page.waitForResponse((response) => operationOf(response.request()) === operation);
  await choose(page, operation);
  await answered;
  return result(page);
}

export async function runWell(page, operation) {
  const answer = await run(page, operation);
  assert.equal(answer.errors, undefined, `${operation}: ${JSON.stringify(answer.errors)}`);
  for (const payload of Object.values(answer.data)) {
    assert.deepEqual(payload?.userErrors ?? [], [], `${operation}: ${JSON.stringify(payload)}`);
  }
  return answer.data;
}

export const tab = (page, name) => page.locator(".graphiql-tab-button", { hasText: name });

export async function signIn(page, email, password) {
  await page.fill("#email", email);
  await page.fill("#password", password);
  await page.keyboard.press("Enter");
}

/** The tokens of the session that is begun next, as the server gives them: for the test alone. */
export async function nextSession(page) {
  const response = await page.waitForResponse((response) => operationOf(response.request()) === "SignIn");
  return (await response.json()).data.signIn.session;
}

export const signedIn = (page, words) => page.getByRole("status").filter({ hasText: `Signed in as ${words}` }).waitFor();

/** Presses Tab until the focus is where it is wanted, as who has no mouse does. */
export async function tabTo(page, selector, words = "") {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    const isThere = ([selector, words]) => {
      const { activeElement } = document;
      return activeElement.matches(selector) && activeElement.textContent.includes(words);
    };
    if (await page.evaluate(isThere, [selector, words])) return;
  }
  assert.fail(`Tab never comes to ${selector} ${words}`);
}

export async function nothingIsKept(page) {
  const kept = await page.evaluate(async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    cookies: document.cookie,
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
  }));
  assert.deepEqual(kept, { local: {}, session: {}, cookies: "", databases: [], caches: [] });
  assert.deepEqual(await page.context().cookies(), []);
}

/** Closes the browser. Nothing may have gone wrong, and nothing may have been asked of another host, all along. */
export async function finish(...pages) {
  for (const page of pages) assert.deepEqual(await page.evaluate(() => window.violations), []);
  assert.deepEqual(foreign, [], "only this server was asked for anything");
  assert.ok(tried.length > 20);
  assert.deepEqual(errors, []);
  await browser.close();
  console.log(`${pictures} pictures`);
}
