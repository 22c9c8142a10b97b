//! What each code means, and what to do about it, for people: the tables in `docs/errors.md` are written from here, by
//! `cargo xtask schema`.

use std::fmt::Write as _;

use domain::RefusalCode;
use strum::IntoEnumIterator as _;

use super::error::ErrorCode;

/// What a code means, in Markdown.
struct Explained {
    what: &'static str,
    to_do: &'static str,
}

/// The table of the codes in `userErrors`.
#[must_use]
pub fn user_errors() -> String {
    table(RefusalCode::iter().map(|code| (code.to_string(), of_refusal(code))))
}

/// The table of the codes in `errors`.
#[must_use]
pub fn top_level_errors() -> String {
    table(ErrorCode::iter().map(|code| (code.to_string(), of_error(code))))
}

fn table(rows: impl Iterator<Item = (String, Explained)>) -> String {
    let head = "| Code | What is wrong | What to do |\n|---|---|---|\n".to_owned();
    rows.fold(head, |mut table, (code, Explained { what, to_do })| {
        // Writing to a string does not fail.
        let _ = writeln!(table, "| `{code}` | {what} | {to_do} |");
        table
    })
}

fn of_error(code: ErrorCode) -> Explained {
    match code {
        ErrorCode::Unauthenticated => Explained {
            what: "Nobody is signed in; or the access token is not valid, has expired, or its session or \
                 account has ended. A bad token refuses the whole request, except `signIn`, `signUp`, \
                 `refreshSession`, `signOut` and `resetPassword`, which ignore it.",
            to_do: "`refreshSession`, or `signIn`.",
        },
        ErrorCode::Forbidden => Explained {
            what: "You are known, and this is not for you: an admin's operation for a developer, or a \
                 developer's for an admin. Without a `path`: introspection, where the operator has turned it \
                 off.",
            to_do: "Sign in to the other realm. For the schema: take [schema.graphql](../schema.graphql).",
        },
        ErrorCode::BadUserInput => Explained {
            what: "An argument, a variable or the request itself has the wrong form: an id of another kind, a \
                 page size outside 1 to 100, `first` with `last`, a search of more than 255 characters, a \
                 cursor of another list, a malformed URL or date, a body that is not JSON, a hash that is not \
                 that of the document beside it.",
            to_do: "Correct the call.",
        },
        ErrorCode::GraphqlParseFailed => Explained {
            what: "The document is not GraphQL.",
            to_do: "`locations` says where.",
        },
        ErrorCode::GraphqlValidationFailed => Explained {
            what: "The document does not fit the schema.",
            to_do: "Compare with [schema.graphql](../schema.graphql); the server may be older than the client.",
        },
        ErrorCode::QueryTooComplex => Explained {
            what: "The operation is too deep, too dear, or has too many aliases, directives, tokens, or values \
                 in its variables; or its answer would be larger than 32 MiB.",
            to_do: "Ask for less at a time. `extensions.cost` of an answer says what an operation cost, and what \
                 it may.",
        },
        ErrorCode::RateLimited => Explained {
            what: "Without a `path`: what this account, or this address, has asked for lately has cost more \
                 than [its budget](operating.md#what-callers-may-ask-for); the operation has not run. With \
                 one: too many sign-ins or sign-ups, or too many at once.",
            to_do: "Wait for `Retry-After` seconds, also in `extensions.retryAfterSeconds`. Nothing of the \
                 operation, or of the field, has happened, so it can be sent again as it is.",
        },
        ErrorCode::Timeout => Explained {
            what: "The operation took longer than the server's limit. **A mutation may still have happened.**",
            to_do: "Read before trying again, or send an idempotency key with it.",
        },
        ErrorCode::Unavailable => Explained {
            what: "Something that is needed is overloaded or away: the database, or the line of passwords to be \
                 hashed.",
            to_do: "Try again in a moment.",
        },
        ErrorCode::Internal => Explained {
            what: "The server failed.",
            to_do: "Give its operator the `requestId`.",
        },
        ErrorCode::PersistedQueryNotFound => Explained {
            what: "No document of this hash is kept (automatic persisted queries). The message is \
                 `PersistedQueryNotFound`.",
            to_do: "Send the document together with its hash, once; clients do so by themselves.",
        },
        ErrorCode::PersistedQueryNotSupported => Explained {
            what: "A document was named by its hash, and this server keeps none (`--persisted-query-bytes 0`). \
                 The message is `PersistedQueryNotSupported`.",
            to_do: "Send documents as text.",
        },
        ErrorCode::DocumentNotTrusted => Explained {
            what: "This server executes listed documents only, and this one is not on its list: [trusted \
                 documents](operating.md#trusted-documents).",
            to_do: "Have the front end's operations listed; a character more or less is another document. Admins \
                 may send any.",
        },
    }
}

fn of_refusal(code: RefusalCode) -> Explained {
    match code {
        RefusalCode::Invalid => Explained {
            what: "The value has the wrong form: characters, range, a date in the past, an unusable upstream \
                 URL, a password that is too short or too common.",
            to_do: "Correct it; the message says what is allowed.",
        },
        RefusalCode::Required => Explained {
            what: "The value is missing or blank, or null in an update where it cannot be. In \
                 `generateCredential`: the app's requests are for versions of several strategies.",
            to_do: "Give it; in an update, leave the field out to keep what is stored. In `generateCredential`: \
                 name the strategy.",
        },
        RefusalCode::TooLong => Explained {
            what: "The value, or the list, is longer than its limit, which the message names.",
            to_do: "Shorten it.",
        },
        RefusalCode::Taken => Explained {
            what: "Something else has this value, which must be unique: an e-mail, a reference id (also one \
                 that was freed, which stays its developer's), a slug, a version's or strategy's name; or it \
                 stands twice in the input.",
            to_do: "Choose another one.",
        },
        RefusalCode::NotFound => Explained {
            what: "The object does not exist, or not for you. At `idempotencyKey`: what was made with this key \
                 has been deleted since.",
            to_do: "Check the id, and who you are signed in as; send a new idempotency key to make another one.",
        },
        RefusalCode::InvalidTransition => Explained {
            what: "The object is not in a state from which this step can be taken; it may have been taken \
                 already. With `waitForGateways`, the call has waited all the same, and the payload says \
                 which gateways have confirmed.",
            to_do: "Read the object again; `allowedActions` says what is possible now.",
        },
        RefusalCode::Conflict => Explained {
            what: "What was read has changed meanwhile, or another rule stands against it (the built-in \
                 strategy cannot be deleted).",
            to_do: "Do what the message says; usually read again and repeat.",
        },
        RefusalCode::InUse => Explained {
            what: "Others depend on what is to be deleted or changed: approved requests, versions, live \
                 credentials.",
            to_do: "Revoke or move them first, or pass `force: true` where the mutation has it, knowing that it \
                 cuts them off.",
        },
        RefusalCode::InvalidCredentials => Explained {
            what: "The e-mail, password, refresh token or reset token is wrong. Which of them is deliberately \
                 not told.",
            to_do: "Try again; sign in again; ask an admin for a new reset token.",
        },
        RefusalCode::DeveloperNotApproved => Explained {
            what: "The developer is not approved. In `signIn`: the account was revoked.",
            to_do: "Wait for an admin, or ask one; `viewer { … on Developer { status decision { reason } } }` \
                 says more.",
        },
        RefusalCode::PortalIsPublic => Explained {
            what: "A public portal takes no sign-ups and no access requests.",
            to_do: "An admin can make it private with `updatePortal`.",
        },
        RefusalCode::VersionNotAvailable => Explained {
            what: "The product is not published, or the version is not ACTIVE.",
            to_do: "Choose another version, or ask an admin.",
        },
        RefusalCode::RegistrationDisabled => Explained {
            what: "The version takes no new requests.",
            to_do: "Ask an admin (`enableRegistration`).",
        },
        RefusalCode::AlreadyRequested => Explained {
            what: "The app has a request for this version that is PENDING, APPROVED or REVOKED.",
            to_do: "Look at its state. A revoked one can be approved again by an admin.",
        },
        RefusalCode::AppSuspended => Explained {
            what: "The app is suspended.",
            to_do: "`suspension { reason }` says why; an admin can resume it.",
        },
        RefusalCode::StrategyMismatch => Explained {
            what: "The app's live credentials or open requests are of another kind than the version's strategy \
                 takes.",
            to_do: "Use another app.",
        },
        RefusalCode::LimitReached => Explained {
            what: "A limit would be exceeded: apps and reference ids of a developer, live keys of an app and \
                 replaced ones in their overlap, labels or documents of a product, key names of a strategy.",
            to_do: "Delete or revoke what is no longer used; operators can raise some of them \
                 ([operating.md](operating.md#limits)).",
        },
        RefusalCode::RouteConflict => Explained {
            what: "Another live version claims the same host, path and method.",
            to_do: "Change the route, or retire the other version.",
        },
        RefusalCode::IdempotencyMismatch => Explained {
            what: "The idempotency key was used in the last 24 hours with another input.",
            to_do: "Send a new key.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_row_of_sentences() {
        let (user, top_level) = (user_errors(), top_level_errors());
        assert_eq!(user.lines().count(), 2 + RefusalCode::iter().count());
        assert_eq!(top_level.lines().count(), 2 + ErrorCode::iter().count());
        for row in user
            .lines()
            .chain(top_level.lines())
            .filter(|row| row.starts_with("| `"))
        {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
            assert_eq!(cells.len(), 3, "{row}");
            for sentence in &cells[1..] {
                assert!(sentence.trim().ends_with(['.', '*']), "{row}");
            }
        }
        assert!(user.contains("| `ROUTE_CONFLICT` | Another live version"));
        assert!(top_level.contains("| `RATE_LIMITED` | "));
    }
}
