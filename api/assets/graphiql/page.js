// Starts GraphiQL with the flow's operations in its tabs. Nothing is kept beyond the page: tokens and passwords live in
// the editors, and the storage below forgets everything with the tab.
"use strict";

(() => {
  const endpoint = new URL("graphql", window.location.href).toString();

  // What stands in the headers pane until a token is pasted there.
  const placeholder = "<accessToken>";
  const headers = JSON.stringify({ Authorization: `Bearer ${placeholder}` }, null, 2);

  const memory = new Map();
  const storage = {
    get length() {
      return memory.size;
    },
    clear: () => memory.clear(),
    getItem: (key) => memory.get(key) ?? null,
    removeItem: (key) => memory.delete(key),
    setItem: (key, value) => memory.set(key, String(value)),
  };

  // A token that is bad refuses the whole request. So none is sent before one was pasted, and none with the
  // introspection, which everybody may read: the documentation goes on working when a token has ended.
  function sendsToken(request) {
    const authorization = new Headers(request.headers).get("authorization") ?? "";
    if (authorization.includes(placeholder)) return false;
    return JSON.parse(request.body).operationName !== "IntrospectionQuery";
  }

  async function fetchWithoutBadToken(url, request) {
    const sent = new Headers(request.headers);
    if (!sendsToken(request)) sent.delete("authorization");
    return window.fetch(url, { ...request, headers: sent, credentials: "omit", cache: "no-store" });
  }

  async function text(path) {
    const response = await window.fetch(new URL(`graphiql/flow/${path}`, window.location.href));
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return response.text();
  }

  async function tab(name) {
    const [query, variables] = await Promise.all([text(`${name}.graphql`), text(`${name}.json`)]);
    return { query, variables, headers };
  }

  async function start() {
    const element = document.getElementById("graphiql");
    try {
      const defaultTabs = await Promise.all([tab("admin"), tab("developer")]);
      const fetcher = GraphiQL.createFetcher({
        url: endpoint,
        fetch: fetchWithoutBadToken,
        headers: { accept: "application/graphql-response+json, application/json;q=0.9" },
      });
      const name = React.createElement(
        GraphiQL.Logo,
        null,
        React.createElement("span", { className: "portico-name" }, "Portico"),
      );
      element.classList.remove("loading");
      ReactDOM.createRoot(element).render(
        React.createElement(
          GraphiQL,
          {
            fetcher,
            storage,
            defaultTabs,
            // GraphiQL leaves the first tab's variables out unless they are given here.
            variables: defaultTabs[0].variables,
            defaultHeaders: headers,
            defaultEditorToolsVisibility: "headers",
            inputValueDeprecation: true,
            schemaDescription: true,
            shouldPersistHeaders: false,
          },
          name,
        ),
      );
    } catch (error) {
      element.textContent = `GraphiQL could not be started: ${error.message}`;
    }
  }

  void start();
})();
