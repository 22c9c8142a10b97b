// An admin's work in GraphiQL: signing in and out, the jobs, live updates, what is kept where, the keyboard and axe.
//
// What graphiql_page.mjs needs, and ADMIN_EMAIL, ADMIN_PASSWORD, DEVELOPER_EMAIL, DEVELOPER_PASSWORD.

import assert from "node:assert/strict";
import {
  ask,
  choose,
  finish,
  isFocused,
  look,
  nextSession,
  nothingIsKept,
  open,
  operationOf,
  result,
  run,
  runWell,
  said,
  signIn,
  signedIn,
  tab,
  tabTo,
  text,
  variables,
} from "./graphiql_page.mjs";

const { ADMIN_EMAIL, ADMIN_PASSWORD, DEVELOPER_EMAIL, DEVELOPER_PASSWORD } = process.env;
const NEW_PASSWORD = "nine distant lanterns";

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

await finish(page);
