// The bar with who is signed in, and the form to sign in with.

import { Unreachable } from "./api.js";
import { Refused } from "./session.js";

const byId = (id) => document.getElementById(id);

const realms = { ADMIN: "admin", PORTAL: "developer" };

/** Connects the bar and the form with the session. */
export function connect(session) {
  const dialog = byId("sign-in");
  const form = byId("sign-in-form");
  const [email, password, error, notice] = ["email", "password", "sign-in-error", "notice"].map(byId);
  const [open, signOut, submit] = ["open-sign-in", "sign-out", "submit-sign-in"].map(byId);

  function say(message) {
    notice.textContent = message;
    notice.hidden = message === "";
  }

  function ask() {
    complain("");
    const why = byId("sign-in-why");
    why.textContent = session.ending ?? "";
    why.hidden = session.ending === null;
    if (!dialog.open) dialog.showModal();
    (email.value ? password : email).focus();
  }

  /** Says what is wrong, at the field that it is about. */
  function complain(message, field = null) {
    error.textContent = message;
    for (const input of [email, password]) {
      const isWrong = input === field;
      input.toggleAttribute("aria-invalid", isWrong);
      if (isWrong) input.setAttribute("aria-invalid", "true");
      input[isWrong ? "setAttribute" : "removeAttribute"]("aria-describedby", "sign-in-error");
    }
    field?.focus();
  }

  function show() {
    const { viewer, ending } = session;
    byId("viewer").textContent = viewer
      ? `Signed in as ${viewer.fullName}, ${viewer.email} (${realms[viewer.realm]})`
      : "Not signed in";
    open.hidden = viewer !== null;
    signOut.hidden = viewer === null;
    say(ending ?? "");
    // What was typed before is of no use to the next one at this screen.
    password.value = "";
    if (ending) ask();
  }

  async function submitted(event) {
    event.preventDefault();
    if (submit.getAttribute("aria-disabled") === "true") return;
    if (!email.value.trim()) return complain("Enter the e-mail address of the account.", email);
    if (!password.value) return complain("Enter the password.", password);
    complain("");
    // Not `disabled`: that would take the focus away.
    submit.setAttribute("aria-disabled", "true");
    try {
      await session.signIn(new FormData(form).get("realm"), email.value.trim(), password.value);
      dialog.close();
    } catch (failure) {
      if (!(failure instanceof Refused || failure instanceof Unreachable)) throw failure;
      complain(failure.message, failure.isWrongPassword ? password : null);
      if (failure.isWrongPassword) password.select();
    } finally {
      submit.removeAttribute("aria-disabled");
    }
  }

  form.addEventListener("submit", submitted);
  open.addEventListener("click", ask);
  byId("cancel-sign-in").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    password.value = "";
    // The browser gives the focus back to what opened the dialog, which is hidden once somebody is signed in.
    (session.viewer ? signOut : open).focus();
  });
  signOut.addEventListener("click", async () => {
    try {
      await session.signOut();
      open.focus();
    } catch (failure) {
      if (!(failure instanceof Unreachable)) throw failure;
      say("You are signed out here, but the server could not be told: the session may live there until it expires.");
    }
  });
  session.addEventListener("change", show);
  ask();
}
