// Who is signed in.
//
//   signed out ─signIn─► signed in ─signOut, reload, closing the tab─► signed out
//                            └─the server refuses to renew it──► signed out, with a reason
//
// Tokens are held by this object alone: not in localStorage, which outlives the tab; not in sessionStorage, which
// browsers copy into duplicated tabs and write to disk to restore them; and in no cookie.

import { Unreachable, send, text } from "./api.js";

/** How long before its end an access token is renewed, in milliseconds. */
const MARGIN = 30_000;

/** Nobody is signed in any more; the message says why, for people. */
export class SessionEnded extends Error {}

/** The sign-in was refused; the message says why, for people. */
export class Refused extends Error {
  constructor(message, isWrongPassword = false) {
    super(message);
    this.isWrongPassword = isWrongPassword;
  }
}

/** Dispatches `change` whenever who is signed in changes. */
export class Session extends EventTarget {
  /** `{ email, fullName, realm }` of who is signed in, or null. */
  viewer = null;
  /** Why the last session ended, for people; null unless it ended by itself. */
  ending = null;
  #tokens = null;
  #renewal = null;
  #timer = null;

  /** @throws {Refused | Unreachable} */
  async signIn(realm, email, password) {
    const query = await text("session/sign-in.graphql");
    const { result } = await send({ query, operationName: "SignIn", variables: { realm, email, password } }, null);
    const { session, userErrors } = result.data?.signIn ?? {};
    if (!session) throw refusal(userErrors?.[0], result.errors?.[0]);
    const { fullName, email: spelled } = session.viewer;
    this.#begin(session);
    this.viewer = { realm, fullName, email: spelled };
    this.ending = null;
    this.#changed();
  }

  /**
   * Ends the session here, and then at the server.
   *
   * @throws {Unreachable} it ended here, and the server has not heard of it
   */
  async signOut() {
    const tokens = this.#tokens;
    if (!tokens) return;
    this.#end(null);
    const query = await text("session/sign-out.graphql");
    await send({ query, operationName: "SignOut", variables: { refreshToken: tokens.refreshToken } }, null);
  }

  /** As `signOut`, for a page that is about to go: it asks for nothing and waits for nothing. */
  leave(signOutDocument) {
    const tokens = this.#tokens;
    if (!tokens) return;
    this.#end(null);
    const variables = { refreshToken: tokens.refreshToken };
    send({ query: signOutDocument, operationName: "SignOut", variables }, null, { keepalive: true }).catch(() => {});
  }

  /**
   * A token to send, renewed where its end is near; null when nobody is signed in.
   *
   * @throws {SessionEnded | Unreachable}
   */
  async token() {
    if (this.#tokens && Date.now() > this.#tokens.renewAt) await this.renew();
    return this.#tokens?.accessToken ?? null;
  }

  /**
   * Takes the refresh token for new tokens. A refresh token works once, and using it twice ends the session: so
   * whoever comes while it is under way waits for the same answer.
   *
   * @throws {SessionEnded | Unreachable}
   */
  renew() {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew() {
    const used = this.#tokens;
    if (!used) throw new SessionEnded(this.ending ?? "Nobody is signed in.");
    const query = await text("session/refresh.graphql");
    const variables = { refreshToken: used.refreshToken };
    const { result } = await send({ query, operationName: "Refresh", variables }, null);
    // Signed out meanwhile: what came is of a session that the server was told to end.
    if (this.#tokens !== used) throw new SessionEnded("Nobody is signed in.");
    const { session, userErrors } = result.data?.refreshSession ?? {};
    if (session) {
      this.#begin(session);
      return;
    }
    if (!userErrors?.length) throw new Unreachable(result.errors?.[0]?.message ?? "The session could not be renewed.");
    const isOver = Date.now() >= Date.parse(used.refreshTokenExpiresAt);
    this.#end(
      isOver
        ? "Your session has expired. Sign in again to go on."
        : "Your session was ended: by an admin, by a new password, or by signing out elsewhere. Sign in again to go on.",
    );
    throw new SessionEnded(this.ending);
  }

  #begin({ accessToken, refreshToken, refreshTokenExpiresAt }) {
    // By how long it lasts, not by when it ends: this machine's clock may be wrong.
    const life = lifetime(accessToken);
    const renewIn = Math.max(life - MARGIN, life / 2);
    this.#tokens = { accessToken, refreshToken, refreshTokenExpiresAt, renewAt: Date.now() + renewIn };
    clearTimeout(this.#timer);
    // Without anything being run: that the session was ended is seen, and subscriptions go on.
    this.#timer = setTimeout(() => this.token().catch(() => this.#retryLater()), renewIn + 1_000);
  }

  #retryLater() {
    if (!this.#tokens) return;
    this.#timer = setTimeout(() => this.token().catch(() => this.#retryLater()), MARGIN);
  }

  #end(reason) {
    clearTimeout(this.#timer);
    this.#tokens = null;
    this.viewer = null;
    this.ending = reason;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** How long an access token (a JWT, RFC 7519) lasts, in milliseconds. */
function lifetime(accessToken) {
  const [, payload] = accessToken.split(".");
  const { iat, exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
  return (exp - iat) * 1_000;
}

/** What the form says to a sign-in that did not succeed. */
function refusal(userError, error) {
  if (userError?.code === "INVALID_CREDENTIALS") {
    return new Refused(
      "The e-mail address or the password is wrong, or the account is of the other kind: admins and developers " +
        "have accounts of their own.",
      true,
    );
  }
  if (userError) return new Refused(userError.message);
  const seconds = error?.extensions?.retryAfterSeconds;
  if (error?.extensions?.code === "RATE_LIMITED") {
    return new Refused(`Too many attempts to sign in. Try again in ${duration(seconds)}.`);
  }
  if (error?.extensions?.code === "UNAVAILABLE") {
    return new Refused("The server is overloaded, or its database is away. Try again in a moment.");
  }
  const request = error?.extensions?.requestId;
  return new Refused(`${error?.message ?? "The server gave no reason."}${request ? ` (Request ${request})` : ""}`);
}

function duration(seconds) {
  if (!(seconds > 0)) return "a moment";
  if (seconds === 1) return "a second";
  return seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
