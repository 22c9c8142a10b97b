// How GraphiQL's operations reach the API: over HTTP, and subscriptions over a websocket (graphql-transport-ws), both
// with the session's token.

import { createClient } from "../vendor/graphql-ws-6.4.2/client.js";
import { Unreachable, endpoint, send } from "./api.js";
import { SessionEnded } from "./session.js";

/** The websocket's close codes that say that the token is not, or no longer, good. */
const UNAUTHENTICATED = [4401, 4403];

/**
 * Only the operation that is run, its fragments and its variables: the others of the tab are none of its business, and
 * would count against its limits.
 */
export function only({ query, variables, operationName }, document) {
  const definitions = document?.loc?.source.body === query ? document.definitions : [];
  const operation = definitions.find(({ kind, name }) => kind === "OperationDefinition" && name?.value === operationName);
  if (!operation) return { query, variables, operationName };
  const wanted = new Set([operation]);
  for (const definition of wanted) {
    for (const name of spreads(definition)) {
      const fragment = definitions.find((other) => other.kind === "FragmentDefinition" && other.name.value === name);
      if (fragment) wanted.add(fragment);
    }
  }
  const declared = operation.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
  const given = declared.filter((name) => name in (variables ?? {})).map((name) => [name, variables[name]]);
  return {
    query: [...wanted].map(({ loc }) => query.slice(loc.start, loc.end)).join("\n\n"),
    variables: Object.fromEntries(given),
    operationName,
  };
}

function* spreads({ selectionSet }) {
  for (const selection of selectionSet?.selections ?? []) {
    if (selection.kind === "FragmentSpread") yield selection.name.value;
    else yield* spreads(selection);
  }
}

function isSubscription(document, operationName) {
  const operations = document?.definitions.filter(({ kind }) => kind === "OperationDefinition") ?? [];
  const run = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  return run?.operation === "subscription";
}

/** An answer in the place of the server's, for the result pane. */
export function sorry(message) {
  return { errors: [{ message }] };
}

/** A fetcher for GraphiQL. `jobs` is asked before an operation is sent, and told what came of it. */
export function fetcherFor(session, jobs) {
  return (parameters, { documentAST } = {}) => {
    const operation = only(parameters, documentAST);
    // Where the operation could not be told from the tab's others, neither can its variables.
    const missing = operation.query === parameters.query ? null : jobs.missing(operation);
    if (missing) return Promise.resolve(sorry(missing));
    if (isSubscription(documentAST, operation.operationName)) return live(session, operation);
    return run(session, operation).then((result) => {
      jobs.learn(operation.operationName, result);
      return result;
    });
  };
}

/** Runs one operation as who is signed in. A token that was refused is renewed once: nothing was executed with it. */
export async function run(session, operation) {
  try {
    let answer = await send(operation, await session.token());
    if (answer.status === 401 && session.viewer) {
      await session.renew();
      answer = await send(operation, await session.token());
    }
    return answer.result;
  } catch (failure) {
    if (failure instanceof SessionEnded || failure instanceof Unreachable) return sorry(failure.message);
    throw failure;
  }
}

/** A subscription, as the observable that GraphiQL wants. */
function live(session, operation) {
  return {
    subscribe(observer) {
      let stopped = false;
      let dispose = () => {};
      const fail = (failure) => {
        observer.next(sorry(explain(failure)));
        observer.complete();
      };
      const open = (isRenewed) => {
        const client = createClient({
          url: endpoint.replace(/^http/, "ws") + "/ws",
          connectionParams: async () => {
            const token = await session.token();
            return token ? { Authorization: `Bearer ${token}` } : {};
          },
          // A token ends while the socket is open: that is not to be tried again with the same one.
          shouldRetry: (event) => !UNAUTHENTICATED.includes(event?.code),
        });
        let hasMore = false;
        dispose = client.subscribe(operation, {
          next(result) {
            hasMore = true;
            observer.next(result);
          },
          async error(failure) {
            if (stopped) return;
            const isEnd = UNAUTHENTICATED.includes(failure?.code) && session.viewer !== null;
            if (!isEnd || (isRenewed && !hasMore)) return fail(failure);
            try {
              await session.renew();
              if (!stopped) open(true);
            } catch (ended) {
              fail(ended);
            }
          },
          complete: () => observer.complete(),
        });
      };
      open(false);
      // Signing out ends what was watched as well.
      const ended = () => {
        if (stopped || session.viewer) return;
        stopped = true;
        dispose();
        fail(new SessionEnded(session.ending ?? "You have signed out; the subscription has ended."));
      };
      session.addEventListener("change", ended);
      return {
        unsubscribe() {
          stopped = true;
          session.removeEventListener("change", ended);
          dispose();
        },
      };
    },
  };
}

function explain(failure) {
  if (Array.isArray(failure)) return failure.map(({ message }) => message).join(" ");
  if (failure instanceof SessionEnded || failure instanceof Unreachable) return failure.message;
  if (typeof failure?.code === "number") {
    const reason = failure.reason ? `: ${failure.reason}` : "";
    return `The live connection was closed by the server (${failure.code}${reason}). Run the subscription again.`;
  }
  return "The live connection could not be opened. Check that the server, and what stands in front of it, take websockets.";
}
