// What the page needs of GraphiQL's editors and tabs, and GraphiQL has no property for.
//
// GraphiQL 4.1.2 is made of CodeMirror 5, which keeps an editor at the element that it stands in (`element.CodeMirror`).

import { titleOf } from "./jobs.js";

function codeMirror(selector) {
  return document.querySelector(`${selector} .CodeMirror`)?.CodeMirror ?? null;
}

/** The variables pane. */
export const variables = {
  /** What stands in it; nothing while it is no JSON object. */
  read() {
    try {
      return JSON.parse(codeMirror(".graphiql-editor-tool")?.getValue() || "{}") ?? {};
    } catch {
      return {};
    }
  },
  /** Sets some of them, and leaves the others as they are. */
  write(changes) {
    const editor = codeMirror(".graphiql-editor-tool");
    const present = this.read();
    const isDifferent = Object.entries(changes).some(([name, value]) => name in present && present[name] !== value);
    if (editor && isDifferent) editor.setValue(JSON.stringify({ ...present, ...changes }, null, 2));
  },
};

/** What GraphiQL's parts need so that everybody can use them; done again whenever GraphiQL has changed the page. */
export function mend(root, queries) {
  for (const element of root.querySelectorAll(".CodeMirror")) mendEditor(element);
  for (const [selector, name] of Object.entries(NAMES)) {
    for (const input of root.querySelectorAll(`${selector} .CodeMirror textarea`)) set(input, "aria-label", name);
  }
  // They are named by what is written on them.
  for (const item of root.querySelectorAll(".graphiql-history-item-label")) item.removeAttribute("aria-label");
  mendTabs(root, queries);
}

/** What those who hear the page are told that an editor is. */
const NAMES = {
  ".graphiql-query-editor": "Operations",
  ".graphiql-editor-tool": "Variables",
  ".graphiql-response": "Result",
};

function mendEditor(element) {
  const editor = element.CodeMirror;
  if (!editor || element.dataset.isMended) return;
  element.dataset.isMended = "true";
  // Tab moves on, as it does everywhere else: else who uses the keyboard never gets out of an editor (WCAG 2.1.2).
  // Suggestions are taken with Enter.
  editor.addKeyMap({ Tab: false, "Shift-Tab": false });
  editor.setOption("lineWrapping", true);
}

/**
 * Gives tabs the names of their jobs: GraphiQL calls a tab after the operation that was run in it last. And makes a list
 * of buttons of them: in what GraphiQL makes, a tab holds other things that take the focus, which no tab may.
 */
function mendTabs(root, queries) {
  root.querySelector(".graphiql-tabs")?.removeAttribute("role");
  root.querySelectorAll(".graphiql-tab").forEach((tab, index) => {
    tab.removeAttribute("role");
    tab.removeAttribute("aria-selected");
    const button = tab.querySelector(".graphiql-tab-button");
    set(button, "aria-current", tab.classList.contains("graphiql-tab-active") ? "true" : "false");
    const title = titleOf(queries[index]);
    if (title && button.textContent !== title) button.textContent = title;
    tab.querySelector(".graphiql-tab-close")?.setAttribute("aria-label", `Close ${button.textContent}`);
  });
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
