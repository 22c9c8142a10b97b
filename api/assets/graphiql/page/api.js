// One request to the API. The page's own and GraphiQL's go through here.

/** Where the API answers, beside this page: below a prefix too. */
export const endpoint = new URL("graphql", window.location.href).toString();

/** The server could not be reached, or what answered was no GraphQL server. */
export class Unreachable extends Error {}

/**
 * Sends one operation.
 *
 * @param {{query: string, variables?: object, operationName?: string}} operation what to run
 * @param {string | null} token the access token, if somebody is signed in
 * @param {RequestInit} options more for `fetch`
 * @returns {Promise<{status: number, result: object}>} the HTTP status, and the GraphQL answer
 * @throws {Unreachable}
 */
export async function send(operation, token, options = {}) {
  const headers = {
    accept: "application/graphql-response+json, application/json;q=0.9",
    "content-type": "application/json",
  };
  if (token) headers.authorization = `Bearer ${token}`;
  let response;
  try {
    // No cookie is ever set by this server, and none that another set for this host is sent.
    response = await fetch(endpoint, {
      method: "POST",
      headers,
      body: JSON.stringify(operation),
      credentials: "omit",
      cache: "no-store",
      ...options,
    });
  } catch {
    throw new Unreachable("The server cannot be reached. Check that it is running and try again.");
  }
  try {
    return { status: response.status, result: await response.json() };
  } catch {
    throw new Unreachable(`The server, or what stands in front of it, answered ${response.status} without an answer.`);
  }
}

/** A text file of the page's own. */
export async function text(path) {
  const response = await fetch(new URL(`../${path}`, import.meta.url), { credentials: "omit" });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.text();
}
