// GraphiQL where only listed documents are taken: an admin signs in and works as everywhere.
//
// What graphiql_page.mjs needs, and ADMIN_EMAIL, ADMIN_PASSWORD.

import assert from "node:assert/strict";
import { ask, finish, look, nextSession, open, run, runWell, signIn, signedIn, tab, text } from "./graphiql_page.mjs";

const { ADMIN_EMAIL, ADMIN_PASSWORD } = process.env;

const page = await open();
await page.locator("#cancel-sign-in").click();
const refused = await run(page, "Products");
assert.equal(refused.errors[0].extensions.code, "DOCUMENT_NOT_TRUSTED");
await page.locator("#open-sign-in").click();

const begun = nextSession(page);
await signIn(page, ADMIN_EMAIL, ADMIN_PASSWORD);
await signedIn(page, "Admin");
const { accessToken } = await begun;
await runWell(page, "Products");
await runWell(page, "CreateProduct");
// The schema is read again once somebody is signed in who may.
await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
await page.getByRole("link", { name: "Mutation", exact: true }).click();
await page.getByText("approveAccessRequest", { exact: true }).first().waitFor();
await tab(page, "Decide on requests").click();
await runWell(page, "Waiting");
await look(page, "trusted-documents");

// Renewing and ending the session are on the list as well.
await page.route("**/graphql", (route) => route.fulfill({ status: 401, json: { errors: [{ message: "over" }] } }), { times: 1 });
const renewed = page.waitForResponse((response) => response.request().postDataJSON()?.operationName === "Refresh");
await runWell(page, "Waiting");
assert.ok((await (await renewed).json()).data.refreshSession.session);
const ended = page.waitForResponse((response) => response.request().postDataJSON()?.operationName === "SignOut");
await page.locator("#sign-out").click();
assert.deepEqual((await (await ended).json()).data.signOut.userErrors, []);
assert.equal(await text(page, "#viewer"), "Not signed in");
assert.equal((await ask("{ viewer { id } }", {}, accessToken)).status, 401);
await finish(page);
