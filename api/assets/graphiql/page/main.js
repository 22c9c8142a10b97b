// Starts the page: the session, its form, and GraphiQL with the jobs in its tabs.

import { text } from "./api.js";
import * as editors from "./editors.js";
import { fetcherFor, run } from "./fetcher.js";
import { Jobs, load } from "./jobs.js";
import { Session } from "./session.js";
import { connect } from "./sign_in_form.js";

/** Where GraphiQL keeps what it would keep in localStorage: tabs, history, theme. It is gone with the page. */
function memoryStorage() {
  const memory = new Map();
  return {
    get length() {
      return memory.size;
    },
    clear: () => memory.clear(),
    getItem: (key) => memory.get(key) ?? null,
    removeItem: (key) => memory.delete(key),
    setItem: (key, value) => memory.set(key, String(value)),
  };
}

const nameOf = ({ realm, email }) => `${realm} ${email}`;

async function start(root) {
  const session = new Session();
  const [list, signOutDocument] = await Promise.all([load(), text("session/sign-out.graphql")]);
  const jobs = new Jobs(list, editors.variables, ({ query, list: operationName }) => run(session, { query, operationName }));

  const defaultTabs = list.map(({ query, variables }) => ({ query, variables: JSON.stringify(variables, null, 2) }));
  let tabs = defaultTabs;
  let front = null;
  let account = null;
  let generation = 0;
  const storage = memoryStorage();
  const reactRoot = ReactDOM.createRoot(root);

  function onTabChange(state) {
    tabs = state.tabs;
    const active = state.tabs[state.activeTabIndex];
    if (active.id === front) return;
    front = active.id;
    // After GraphiQL has put the tab's contents into its editors.
    setTimeout(() => jobs.show(active.query, session.viewer));
  }

  function render() {
    const logo = React.createElement(GraphiQL.Logo, null, React.createElement("span", { className: "logo" }, "GraphiQL"));
    reactRoot.render(
      React.createElement(
        GraphiQL,
        {
          key: generation,
          // Another fetcher for each session: it is what makes GraphiQL read the schema again.
          fetcher: fetcherFor(session, jobs),
          storage,
          defaultTabs,
          // GraphiQL leaves the first tab's variables out unless they are given here.
          variables: defaultTabs[0].variables,
          defaultEditorToolsVisibility: "variables",
          // The session sends the one header that is needed, and a token typed by hand has no place to be kept.
          isHeadersEditorEnabled: false,
          shouldPersistHeaders: false,
          inputValueDeprecation: true,
          schemaDescription: true,
          onTabChange,
          onEditVariables: () => jobs.edited(),
        },
        logo,
      ),
    );
  }

  /** The tabs as they came, without what was typed, answered or run in them. */
  function startAnew() {
    storage.clear();
    generation += 1;
    tabs = defaultTabs;
    front = null;
  }

  const mend = () => editors.mend(root, tabs.map(({ query }) => query));
  root.classList.remove("loading");
  root.textContent = "";
  new MutationObserver(mend).observe(root, {
    childList: true,
    characterData: true,
    subtree: true,
    attributeFilter: ["aria-selected", "class"],
  });
  render();
  connect(session);
  const activeQuery = () => tabs.find(({ id }) => id === front)?.query ?? tabs[0].query;
  session.addEventListener("change", () => {
    const { viewer, ending } = session;
    // One whose session ended by itself finds everything as it was; anybody else finds nothing of it.
    const isGone = viewer ? account !== null && account !== nameOf(viewer) : ending === null;
    if (isGone) startAnew();
    if (viewer) account = nameOf(viewer);
    else if (isGone) account = null;
    render();
    if (viewer) jobs.show(activeQuery(), viewer);
    else jobs.forget();
  });
  // Reloading and closing the tab end the session. A browser that keeps the page to come back to it finds it signed out.
  window.addEventListener("pagehide", () => session.leave(signOutDocument));
}

const root = document.getElementById("graphiql");
start(root).catch((error) => {
  root.textContent = `GraphiQL could not be started: ${error.message}`;
});
