// GraphiQL in a real browser that reaches this server and nothing else: signing in and out, an admin's jobs, live
// updates, what is kept where, the keyboard and axe.
//
// API_URL, CHROMIUM, ADMIN_EMAIL, ADMIN_PASSWORD, ADMIN_TOKEN (another session of the admin), DEVELOPER_EMAIL,
// DEVELOPER_PASSWORD; SCREENSHOTS is the folder that a picture of each state goes to.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { API_URL, CHROMIUM, SCREENSHOTS, ADMIN_EMAIL, ADMIN_PASSWORD, ADMIN_TOKEN } = process.env;
const { DEVELOPER_EMAIL, DEVELOPER_PASSWORD } = process.env;
const NEW_PASSWORD = "nine distant lanterns";
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

async function open(options = {}) {
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
async function look(page, name) {
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
async function ask(query, variables = {}, token = ADMIN_TOKEN) {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(`${API_URL}/graphql`, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return { status: response.status, ...(await response.json()) };
}

const text = (page, selector) => page.locator(selector).textContent();
const isFocused = (page, selector) => page.evaluate((selector) => document.activeElement?.matches(selector), selector);
const variables = (page) =>
  page.evaluate(() => JSON.parse(document.querySelector(".graphiql-editor-tool .CodeMirror").CodeMirror.getValue()));
const said = (page, words) => page.getByRole("alert").filter({ hasText: words }).waitFor();

const result = async (page, isEnough = () => true) => {
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

const operationOf = (request) => (request.method() === "POST" ? request.postDataJSON()?.operationName : undefined);

/** Chooses an operation of the tab at the ▶ button. */
async function choose(page, operation) {
  await page.waitForFunction((operation) => {
    const { operations } = document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror;
    return operations?.some(({ name }) => name?.value === operation);
  }, operation);
  await page.locator(".graphiql-execute-button").click();
  await page.getByRole("menuitem", { name: operation, exact: true }).click();
}

async function run(page, operation) {
  const answered = page.waitForResponse((response) => operationOf(response.request()) === operation);
  await choose(page, operation);
  await answered;
  return result(page);
}

async function runWell(page, operation) {
  const answer = await run(page, operation);
  assert.equal(answer.errors, undefined, `${operation}: ${JSON.stringify(answer.errors)}`);
  for (const payload of Object.values(answer.data)) {
    assert.deepEqual(payload?.userErrors ?? [], [], `${operation}: ${JSON.stringify(payload)}`);
  }
  return answer.data;
}

const tab = (page, name) => page.locator(".graphiql-tab-button", { hasText: name });

async function signIn(page, email, password) {
  await page.fill("#email", email);
  await page.fill("#password", password);
  await page.keyboard.press("Enter");
}

/** The tokens of the session that is begun next, as the server gives them: for the test alone. */
async function nextSession(page) {
  const response = await page.waitForResponse((response) => operationOf(response.request()) === "SignIn");
  return (await response.json()).data.signIn.session;
}

const signedIn = (page, words) => page.getByRole("status").filter({ hasText: `Signed in as ${words}` }).waitFor();

/** Presses Tab until the focus is where it is wanted, as who has no mouse does. */
async function tabTo(page, selector, words = "") {
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

async function nothingIsKept(page) {
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

// ── Signing in ──

const page = await open();
assert.ok(await isFocused(page, "#email"), "the form opens, and waits for the e-mail address");
assert.deepEqual(await page.locator(".graphiql-tab-button").allTextContents(), [
  "Create and publish a product",
  "Enable registration",
  "Decide on requests",
  "Suspend an app",
  "Register an app (developer)",
]);
await look(page, "sign-in");

await page.keyboard.press("Escape");
await page.locator("#sign-in").waitFor({ state: "hidden" });
assert.ok(await isFocused(page, "#open-sign-in"), "the focus is where the form can be opened again");
await look(page, "signed-out");
await page.keyboard.press("Enter");

await page.keyboard.press("Tab");
await page.keyboard.press("Enter");
await said(page, "Enter the e-mail address");
assert.ok(await isFocused(page, "#email"));
await signIn(page, ADMIN_EMAIL, "a wrong password");
await said(page, "The e-mail address or the password is wrong");
assert.ok(await isFocused(page, "#password"));
await look(page, "wrong-password");

// The account that is not there is throttled as one that is would be.
for (let tries = 0; !(await text(page, "#sign-in-error")).startsWith("Too many"); tries += 1) {
  assert.ok(tries < 20, "sign-ins are not throttled");
  const answered = page.waitForResponse((response) => operationOf(response.request()) === "SignIn");
  await signIn(page, "nobody@example.com", "a wrong password");
  await answered;
  await page.waitForFunction(() => document.getElementById("sign-in-error").textContent !== "");
}
assert.match(await text(page, "#sign-in-error"), /^Too many attempts to sign in\. Try again in \d+ (seconds|minutes)\.$/);
await look(page, "throttled");

await page.route("**/graphql", (route) => route.abort());
await signIn(page, ADMIN_EMAIL, ADMIN_PASSWORD);
await said(page, "The server cannot be reached.");
await look(page, "server-away");
await page.unroute("**/graphql");

// By keyboard alone, the realm included.
await page.fill("#email", "");
await page.fill("#password", "");
await page.focus("#email");
await page.keyboard.press("Shift+Tab");
await page.keyboard.press("ArrowRight");
assert.equal(await page.locator("[name=realm]:checked").inputValue(), "PORTAL");
await page.keyboard.press("ArrowLeft");
await page.keyboard.press("Tab");
await page.keyboard.type(ADMIN_EMAIL);
await page.keyboard.press("Tab");
await page.keyboard.type(ADMIN_PASSWORD);
await page.keyboard.press("Enter");
await signedIn(page, `Admin, ${ADMIN_EMAIL} (admin)`);
assert.ok(await isFocused(page, "#sign-out"));
assert.equal(await page.inputValue("#password"), "");
await look(page, "signed-in");

// ── Deciding on a request, by keyboard alone ──

await tabTo(page, ".graphiql-tab-button", "Decide on requests");
await page.keyboard.press("Enter");
await page.locator("#choices select").first().waitFor();
const { requestId } = await variables(page);
assert.match(requestId, /^req_/);
assert.match(await text(page, "#choices label:first-child option:checked"), /^first → payments v1, dana@example\.com$/);

await tabTo(page, ".graphiql-query-editor textarea");
const outline = () =>
  page.evaluate(() => getComputedStyle(document.querySelector(".graphiql-query-editor .CodeMirror")).outlineStyle);
assert.equal(await outline(), "solid", "where the focus is can be seen");
await page.keyboard.press("Tab");
assert.ok(!(await isFocused(page, ".graphiql-query-editor textarea")), "Tab leaves the editor");
assert.equal(await outline(), "none");
await page.keyboard.press("Shift+Tab");
const line = () =>
  page.evaluate(() => {
    const editor = document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror;
    return editor.getLine(editor.getCursor().line);
  });
while (!(await line()).startsWith("mutation ApproveRequest")) await page.keyboard.press("ArrowDown");
await page.keyboard.press("Control+Enter");
const approved = (await result(page)).data.approveAccessRequest;
assert.deepEqual([approved.accessRequest.id, approved.accessRequest.status], [requestId, "APPROVED"]);
const { data: seen } = await ask("query ($id: ID!) { node(id: $id) { ... on AccessRequest { status } } }", { id: requestId });
assert.equal(seen.node.status, "APPROVED");
await look(page, "request-approved");
assert.equal(await tab(page, "Decide on requests").count(), 1, "the tab keeps its name");

// Running the list again goes on to the next one, and what is chosen above the editor stands in the variables.
await runWell(page, "Waiting");
assert.notEqual((await variables(page)).requestId, requestId);
const select = page.locator("#choices label", { hasText: "$requestId" }).locator("select");
const last = await select.locator("option").last().getAttribute("value");
await select.selectOption(last);
assert.equal((await variables(page)).requestId, last);

await page.locator(".graphiql-execute-button").click();
await page.getByRole("menuitem", { name: "ApproveRequest" }).waitFor();
await look(page, "operations");
await page.keyboard.press("Escape");
await page.getByRole("menu").waitFor({ state: "hidden" });

// ── Every operation of an admin's tabs, as it stands ──

const documents = await page.evaluate(async () => {
  const { load } = await import(new URL("graphiql/page/jobs.js", location.href));
  return (await load()).map(({ title, query, realm, list }) => ({ title, query, realm, list }));
});
for (const { title, query, list } of documents.filter(({ realm }) => realm === "ADMIN")) {
  await tab(page, title).click();
  const operations = [...query.matchAll(/^(?:query|mutation) (\w+)/gm)].map(([, name]) => name);
  for (const operation of operations) {
    if (list && operation !== list) await runWell(page, list);
    await runWell(page, operation);
  }
  await look(page, `job-${title.toLowerCase().replaceAll(/\W+/g, "-")}`);
  console.log(`ran ${operations.join(", ")}`);
}

// What waits for nobody is said, and not sent.
const { data: left } = await ask("{ accessRequests(filter: { status: [PENDING] }) { nodes { id } } }");
const [watched, ...others] = left.accessRequests.nodes;
for (const { id } of others) {
  await ask('mutation ($id: ID!) { rejectAccessRequest(input: { id: $id, reason: "Test" }) { userErrors { code } } }', { id });
}
await tab(page, "Decide on requests").click();

const before = await runWell(page, "Waiting");
assert.deepEqual(before.accessRequests.nodes.map(({ id }) => id), [watched.id]);
await ask('mutation ($id: ID!) { rejectAccessRequest(input: { id: $id, reason: "Test" }) { userErrors { code } } }', {
  id: watched.id,
});
await run(page, "Waiting");
await choose(page, "ApproveRequest");
assert.match((await result(page, (value) => value.includes("is empty"))).errors[0].message, /^\$requestId is empty\. No request waited/);
await look(page, "nothing-waits");

// ── GraphiQL's own panes ──

await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
await page.getByRole("link", { name: "Mutation", exact: true }).click();
await page.getByText("approveAccessRequest", { exact: true }).first().waitFor();
await look(page, "documentation");
await page.getByRole("button", { name: "Show History" }).click();
await page.locator(".graphiql-history-item").first().waitFor();
await look(page, "history");
await page.getByRole("button", { name: "Open settings dialog" }).click();
await page.getByRole("dialog").waitFor();
assert.equal(await page.getByText("Persist headers").count(), 0);
await look(page, "settings");
await page.keyboard.press("Escape");
await nothingIsKept(page);

// ── The session ──

// A token that is not good any more is renewed once, and the operation sent again.
const sent = [];
page.on("request", (request) => sent.push(operationOf(request)));
await page.route(
  "**/graphql",
  (route) =>
    operationOf(route.request()) === "Apps"
      ? route.fulfill({ status: 401, json: { errors: [{ message: "over", extensions: { code: "UNAUTHENTICATED" } }] } })
      : route.fallback(),
  { times: 1 },
);
await tab(page, "Suspend an app").click();
await page.waitForResponse((response) => operationOf(response.request()) === "Apps" && response.ok());
assert.deepEqual(sent.filter((name) => name === "Refresh"), ["Refresh"]);
assert.ok(await page.locator("#sign-out").isVisible());

// Another session of the account changes its password, which ends this one.
const change = `mutation ($current: String!, $new: String!) {
  changePassword(input: { currentPassword: $current, newPassword: $new }) { userErrors { code } } }`;
const { data: changed } = await ask(change, { current: ADMIN_PASSWORD, new: NEW_PASSWORD });
assert.deepEqual(changed.changePassword.userErrors, []);
await choose(page, "Apps");
await said(page, "Your session was ended");
assert.equal(await text(page, "#viewer"), "Not signed in");
assert.ok(await isFocused(page, "#password"), "whoever was signed in only has to give the password");
assert.match(await text(page, "#sign-in-why"), /^Your session was ended/);
assert.equal((await variables(page)).appId, "", "what was seen is forgotten");
await look(page, "session-ended");

const again = nextSession(page);
await page.fill("#password", NEW_PASSWORD);
await page.keyboard.press("Enter");
await signedIn(page, "Admin");
const ended = await again;
const isSignedIn = async ({ accessToken }) => (await ask("{ viewer { id } }", {}, accessToken)).status === 200;
const refused = async ({ refreshToken }) => {
  const refresh = "mutation ($token: String!) { refreshSession(input: { refreshToken: $token }) { userErrors { code } } }";
  return (await ask(refresh, { token: refreshToken }, null)).data.refreshSession.userErrors[0]?.code;
};
assert.ok(await isSignedIn(ended));
const signedOut = page.waitForResponse((response) => operationOf(response.request()) === "SignOut");
await page.locator("#sign-out").click();
await signedOut;
assert.equal(await text(page, "#viewer"), "Not signed in");
assert.ok(!(await isSignedIn(ended)), "signing out ends the access token");
assert.equal(await refused(ended), "INVALID_CREDENTIALS");
// Who comes next finds nothing of what was done here.
assert.equal(await page.locator(".graphiql-tab-active .graphiql-tab-button").textContent(), "Create and publish a product");
assert.equal(await page.evaluate(() => document.querySelector(".result-window .CodeMirror").CodeMirror.getValue()), "");
assert.equal(await page.locator(".graphiql-history-item").count(), 0);
await nothingIsKept(page);
await look(page, "signed-out-again");

// A developer, in the dark.
const dark = await open({ colorScheme: "dark" });
const begun = nextSession(dark);
await dark.getByRole("radio", { name: "Developer" }).check();
await signIn(dark, DEVELOPER_EMAIL, DEVELOPER_PASSWORD);
await signedIn(dark, `dana, ${DEVELOPER_EMAIL} (developer)`);
await tab(dark, "Register an app").click();
await dark.locator("#choices select").first().waitFor();
await runWell(dark, "MyRequests");
await look(dark, "developer-dark");
const abandoned = await begun;
assert.ok(await isSignedIn(abandoned));

// Leaving the page ends the session too; the server is told by a request that outlives the page.
await dark.goto("about:blank");
const deadline = Date.now() + 30_000;
while (await isSignedIn(abandoned)) assert.ok(Date.now() < deadline, "the session outlives its page");

// ── All along ──

assert.deepEqual(await page.evaluate(() => window.violations), []);
assert.deepEqual(foreign, [], "only this server was asked for anything");
assert.ok(tried.length > 50);
assert.deepEqual(errors, []);
await browser.close();
console.log(`${pictures} pictures`);
