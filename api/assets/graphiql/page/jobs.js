// The tabs with an admin's and a developer's jobs.
//
// A job is a document (`flow/NAME.graphql`, whose first line is its title) and settings (`flow/NAME.json`): the
// variables to begin with, and which of them are filled from what its operations answer. So nobody copies ids: the
// candidates stand in a list above the editor, and the variables pane shows the one that is chosen.

import { text } from "./api.js";

const names = ["create-product", "enable-registration", "decide-on-requests", "suspend-app", "developer"];

/** Loads the jobs. */
export async function load() {
  return Promise.all(
    names.map(async (name) => {
      const [query, settings] = await Promise.all([text(`flow/${name}.graphql`), text(`flow/${name}.json`)]);
      const { realm, list, variables, fill } = JSON.parse(settings);
      return { title: titleOf(query), query, realm, list, variables, fill };
    }),
  );
}

/** What a tab is called: the comment in its first line, or null. */
export function titleOf(query) {
  return /^#\s*(.+)/.exec(query ?? "")?.[1] ?? null;
}

/** What is at a path such as `products.nodes.*.versions.nodes.*`. */
export function at(value, path) {
  let found = [value];
  for (const step of path.split(".")) {
    found = found.flatMap((each) => (step === "*" ? (each ?? []) : each == null ? [] : [each[step]]));
  }
  return found.filter((each) => each?.id);
}

/** `{app.name} → {version.name}`, filled from an object. */
export function label(template, object) {
  return template.replaceAll(/\{([^}]+)\}/g, (_, path) =>
    path.split(".").reduce((value, step) => value?.[step], object) ?? "?",
  );
}

/** The jobs of a page: what their variables may stand for, and the list above the editor. */
export class Jobs {
  #jobs;
  #active = null;
  #candidates = new Map();
  #element = document.getElementById("choices");
  #editor;
  #runList;

  /**
   * @param jobs what `load` answered
   * @param editor reads and writes the variables pane
   * @param runList runs a job's list, aside from GraphiQL
   */
  constructor(jobs, editor, runList) {
    this.#jobs = jobs;
    this.#editor = editor;
    this.#runList = runList;
  }

  /** The tab with this document is in front. Fills its variables, where who is signed in may run its list. */
  async show(query, viewer) {
    const job = this.#jobs.find(({ title }) => title === titleOf(query)) ?? null;
    this.#active = job;
    this.#draw();
    if (!job?.list || job.realm !== viewer?.realm) return;
    const result = await this.#runList(job);
    if (this.#active === job) this.learn(job.list, result);
  }

  /** Nobody is signed in any more: what the last one saw is none of the next one's business. */
  forget() {
    this.#candidates.clear();
    if (this.#active) {
      const names = Object.keys(this.#active.fill);
      this.#editor.write(Object.fromEntries(names.map((name) => [name, ""])));
    }
    this.#draw();
  }

  /** Why an operation is not worth sending: a variable that is filled from a list is empty. Null when it is. */
  missing({ variables }) {
    for (const [name, { empty }] of Object.entries(this.#active?.fill ?? {})) {
      if (variables && name in variables && !variables[name]) return `$${name} is empty. ${empty}`;
    }
    return null;
  }

  /** Takes candidates from an answer. One that was chosen stays chosen while it is among them. */
  learn(operationName, { data } = {}) {
    if (!this.#active || !data) return;
    const chosen = {};
    const present = this.#editor.read();
    for (const [name, { from, label: template }] of Object.entries(this.#active.fill)) {
      for (const path of from[operationName] ?? []) {
        const found = at(data, path).map((object) => ({ id: object.id, label: label(template, object) }));
        const isList = path.includes("*");
        const known = isList ? [] : this.#of(name).filter(({ id }) => found.every((other) => other.id !== id));
        const candidates = [...found, ...known];
        this.#candidatesOfActive().set(name, candidates);
        const isChosen = candidates.some(({ id }) => id === present[name]);
        if (!isList && found.length > 0) chosen[name] = found[0].id;
        else if (!isChosen) chosen[name] = candidates[0]?.id ?? "";
      }
    }
    this.#editor.write(chosen);
    this.#draw();
  }

  /** The variables were edited by hand. */
  edited() {
    this.#draw();
  }

  #candidatesOfActive() {
    const { title } = this.#active;
    if (!this.#candidates.has(title)) this.#candidates.set(title, new Map());
    return this.#candidates.get(title);
  }

  #of(name) {
    return this.#candidatesOfActive().get(name) ?? [];
  }

  #draw() {
    const names = this.#active ? Object.keys(this.#active.fill).filter((name) => this.#of(name).length > 0) : [];
    this.#element.hidden = names.length === 0;
    const variables = names.length > 0 ? this.#editor.read() : {};
    this.#element.replaceChildren(...names.map((name) => this.#choice(name, variables[name])));
  }

  #choice(name, value) {
    const candidates = this.#of(name);
    const select = document.createElement("select");
    select.append(...candidates.map(({ id, label: words }) => new Option(words, id, false, id === value)));
    if (candidates.every(({ id }) => id !== value)) {
      select.prepend(new Option(value ? "another one, typed by hand" : "none", "", true, true));
    }
    select.addEventListener("change", () => this.#editor.write({ [name]: select.value }));
    const element = document.createElement("label");
    const code = document.createElement("code");
    code.textContent = `$${name}`;
    element.append(code, " ", select);
    return element;
  }
}
